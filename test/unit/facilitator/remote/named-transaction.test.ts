import { describe, expect, it } from 'vitest';
import { namedTransaction } from '../../../../src/facilitator/remote/named-transaction.ts';
import { repeatsMember } from '../../../../src/facilitator/remote/wire-json.ts';
import { eip155 } from '../../../../src/family/eip155/eip155.ts';
import { solana } from '../../../../src/family/solana/solana.ts';

const HASH = `0x${'ab'.repeat(32)}`;
const NONCE = `0x${'12'.repeat(32)}`;
const REQUEST = JSON.stringify({ nonce: NONCE });

function named(text: string, family: Parameters<typeof namedTransaction>[2] = eip155): string | undefined {
  return namedTransaction(Buffer.from(text), REQUEST, family);
}

describe('the transaction that an answer names', () => {
  it('is found in any member and any text', () => {
    for (const text of [`{"txHash":"${HASH}"}`, `{"a":[{"b":"${HASH}"}]}`, `<p>sent ${HASH}.</p>`, `/tx/${HASH}?a`]) {
      expect(named(text)).toBe(HASH);
    }
  });

  it('is none that the request held, whatever its case, and no longer or shorter word', () => {
    for (const text of [
      NONCE,
      NONCE.toUpperCase().replace('0X', '0x'),
      `${HASH}00`,
      HASH.slice(0, -1),
      HASH.slice(2),
    ]) {
      expect(named(text)).toBeUndefined();
    }
  });

  it('is a signature on Solana', () => {
    const signature = '5'.repeat(87);
    expect(named(`{"signature":"${signature}"}`, solana)).toBe(signature);
    expect(named(HASH, solana)).toBeUndefined();
  });

  it('is not looked for where its form is not known, nor in a long page', () => {
    expect(namedTransaction(Buffer.from(HASH), REQUEST, undefined)).toBeUndefined();
    expect(named(`${HASH}${' '.repeat(16 * 1024)}`)).toBeUndefined();
  });
});

describe('a member that is there twice', () => {
  it.each([
    ['{"success":true,"success":false}', true],
    ['{"success":true,"\\u0073uccess":false}', true],
    ['{"a":{"b":1},"a":[]}', true],
    ['{"":1,"":2}', true],
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}', false],
    ['{"a":"a\\":","b":"{\\"a\\":1}"}', false],
    ['{"__proto__x":1,"constructor":2}', false],
    ['{}', false],
    ['[{"a":1},{"a":1}]', false],
  ])('of %s: %s', (text, expected) => {
    expect(repeatsMember(Buffer.from(text))).toBe(expected);
  });
});
