import { describe, expect, it } from 'vitest';
import { load, planOf, problemsOf, route } from '../../support/config/load.ts';

const PUBLIC = 'publicUrl: https://api.example.com\n';
const SIGNED = 'receipts: { format: jws }\n';

function warningsOf(text: string): readonly string[] {
  const loaded = load(text);
  if (!loaded.ok) throw new Error('the file is not sound');
  return loaded.warnings.map(({ wrong }) => wrong);
}

describe('receipts', () => {
  it('are off unless the file says how they are signed', () => {
    expect(planOf(PUBLIC + route('price: $1')).receipts).toBeUndefined();
    expect(planOf(`${PUBLIC}receipts: off\n${route('price: $1')}`).receipts).toBeUndefined();
    expect(planOf(PUBLIC + SIGNED + route('price: $1')).receipts).toEqual({ format: 'jws' });
  });

  it.each([
    ['another format', 'receipts: { format: eip712 }\n'],
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
  });
});
