import { describe, expect, it } from 'vitest';
import { decodeHeaderJson, encodeHeaderJson } from '../../../src/protocol/header-json.ts';

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('an x402 header', () => {
  it.each([
    ['an object', '{"a":1}', { a: 1 }],
    ['text beyond ASCII', '{"name":"USD₮0 — 💸"}', { name: 'USD₮0 — 💸' }],
    ['an array', '[]', []],
    ['null', 'null', null],
    ['32 levels', nested(32), JSON.parse(nested(32))],
    ['keys that only look dangerous', '{"constructor":{"prototype":1}}', { constructor: { prototype: 1 } }],
  ])('carries %s', (_, json, value) => {
    expect(decodeHeaderJson(base64(json))).toEqual({ ok: true, value });
    expect(decodeHeaderJson(base64(json).replace(/=+$/, ''))).toEqual({ ok: true, value });
  });

  it('is decoded to what was encoded', () => {
    const value = { a: ['é', 1, null, { b: false }] };
    expect(decodeHeaderJson(encodeHeaderJson(value))).toEqual({ ok: true, value });
    expect(encodeHeaderJson(value)).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
  });

  it.each([
    ['an empty value', ''],
    ['base64url', base64('{"a":"??>"}').replaceAll('/', '_').replaceAll('+', '-')],
    ['a leading space', ` ${base64('{}')}`],
    ['a trailing space', `${base64('{}')} `],
    ['a line break', `${base64('{"abc":1}').slice(0, 4)}\n${base64('{"abc":1}').slice(4)}`],
    ['padding in the middle', `${base64('{}')}${base64('{}')}`],
    ['three padding signs', 'e30==='],
    ['only padding', '='],
    ['a length no base64 has', 'e30e3'],
    ['plain JSON', '{"x402Version":2}'],
    ['a comma of two joined headers', `${base64('{}')},${base64('{}')}`],
    ['text that is not JSON', base64('x402')],
    ['JSON with a rest', base64('{}{}')],
    ['half of a JSON', base64('{"a":')],
    ['single quotes', base64("{'a':1}")],
    ['a comment', base64('{}//')],
    ['NaN', base64('NaN')],
    ['invalid UTF-8', base64(Uint8Array.from([0x22, 0xff, 0x22]))],
    ['overlong UTF-8', base64(Uint8Array.from([0x22, 0xc0, 0xaf, 0x22]))],
    ['half a surrogate pair', base64(Uint8Array.from([0x22, 0xed, 0xa0, 0x80, 0x22]))],
    ['UTF-16', base64(Buffer.from('{}', 'utf16le'))],
    ['__proto__', base64('{"__proto__":{"a":1}}')],
    ['__proto__ deep inside', base64('{"a":[{"__proto__":null}]}')],
    ['an escaped __proto__', base64('{"\\u005f_proto__":1}')],
    ['33 levels', base64(nested(33))],
    ['33 levels of objects', base64(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`)],
    ['8 000 levels', base64(nested(8000))],
  ])('is refused with %s', (_, header) => {
    const decoded = decodeHeaderJson(header);
    if (decoded.ok) expect.unreachable(`decoded to ${JSON.stringify(decoded.value)}`);
    expect(decoded.wrong).toMatch(/^(it|its) /);
  });
});
