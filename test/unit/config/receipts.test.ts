import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../../src/config/difference.ts';
import { load, planOf, problemsOf, route } from '../../support/config/load.ts';

const PUBLIC = 'publicUrl: https://api.example.com\n';
const SIGNED = 'receipts: { format: jws }\n';

const KEY = '00112233445566778899aabbccddeeff'.repeat(2);

function warningsOf(text: string): readonly string[] {
  const loaded = load(text);
  if (!loaded.ok) throw new Error('the file is not sound');
  return loaded.warnings.map(({ wrong }) => wrong);
}

describe('receipts', () => {
  it('show no secret, neither when it is wrong nor when a reload reports changes', () => {
    const problems = problemsOf(
      `${PUBLIC}receipts: { format: jws, keys: ["0123456789abcdef"] }\n${route('price: $1')}`,
    );
    expect(problems.join()).not.toContain('0123456789abcdef');
    const [old, next] = [
      planOf(PUBLIC + SIGNED + route('price: $1')),
      planOf(`${PUBLIC}receipts: { format: eip712, keys: ["${KEY}"] }\n${route('price: $1')}`),
    ];
    expect(differenceOf(old, next)).toEqual([
      { kind: 'changed', what: 'receipts', from: "jws, the store's key", to: 'eip712, 1 keys' },
    ]);
  });

  it('are off unless the file says how they are signed', () => {
    expect(planOf(PUBLIC + route('price: $1')).receipts).toBeUndefined();
    expect(planOf(`${PUBLIC}receipts: off\n${route('price: $1')}`).receipts).toBeUndefined();
    expect(planOf(PUBLIC + SIGNED + route('price: $1')).receipts).toEqual({ format: 'jws', keys: [] });
    const typed = planOf(`${PUBLIC}receipts: { format: eip712, keys: ["${KEY}"] }\n${route('price: $1')}`);
    expect(typed.receipts).toEqual({ format: 'eip712', keys: [Buffer.from(KEY, 'hex').toString('base64url')] });
  });

  it.each([
    ['another format', 'receipts: { format: pgp }\n'],
    ['a short secret', 'receipts: { format: jws, keys: [abcd] }\n'],
    ['a secret listed twice', `receipts: { format: jws, keys: ["${KEY}", "${KEY}"] }\n`],
    ['no format', 'receipts: {}\n'],
    ['on', 'receipts: on\n'],
  ])('are refused with %s', (_, line) => {
    expect(problemsOf(PUBLIC + line + route('price: $1'))).toHaveLength(1);
  });

  it('need the host that their key belongs to', () => {
    expect(problemsOf(SIGNED + route('price: $1'))).toHaveLength(1);
    const plain = `publicUrl: http://api.example.com\n${SIGNED}${route('price: $1')}`;
    expect(warningsOf(plain).join()).toContain('did:web is looked up by https');
    expect(warningsOf(PUBLIC + SIGNED + route('price: $1')).join()).not.toContain('did:web');
  });

  it('warn of a 402 that has no room for signed offers', () => {
    const many = 'price: $1\naccepts: [base, polygon, arbitrum, avalanche]';
    expect(warningsOf(PUBLIC + SIGNED + route(many)).join()).toContain('no room for signed offers');
    expect(warningsOf(PUBLIC + SIGNED + route('price: $1')).join()).not.toContain('no room');
    expect(warningsOf(PUBLIC + route(many)).join()).not.toContain('no room');
    const typed = 'receipts: { format: eip712 }\n';
    expect(warningsOf(PUBLIC + typed + route(many)).join()).toContain('no room for signed offers');
    expect(warningsOf(PUBLIC + typed + route('price: $1')).join()).not.toContain('no room');
  });
});
