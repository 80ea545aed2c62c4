import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { readEip2612Permit } from '../../../src/evm/eip2612.ts';

const INFO = {
  from: `0x${'01'.repeat(20)}`,
  asset: `0x${'02'.repeat(20)}`,
  spender: `0x${'03'.repeat(20)}`,
  amount: '50000',
  nonce: '0',
  deadline: '1800000000',
  signature: `0x${'aa'.repeat(32)}${'bb'.repeat(32)}1c`,
  version: '1',
};

function read(info: JsonObject): ReturnType<typeof readEip2612Permit> {
  return readEip2612Permit({ eip2612GasSponsoring: { info } });
}

describe('An approval that comes along with a payment', () => {
  it('is read into what the proxy takes', () => {
    expect(read(INFO)).toEqual({
      from: INFO.from,
      asset: INFO.asset,
      spender: INFO.spender,
      value: 50_000n,
      deadline: 1_800_000_000n,
      r: `0x${'aa'.repeat(32)}`,
      s: `0x${'bb'.repeat(32)}`,
      v: 28,
    });
  });

  it('is absent when the client returns the declaration unchanged', () => {
    expect(read({ description: 'what it is', version: '1' })).toBeUndefined();
    expect(readEip2612Permit({ eip2612GasSponsoring: 'yes' })).toBeUndefined();
    expect(readEip2612Permit({})).toBeUndefined();
    expect(readEip2612Permit(undefined)).toBeUndefined();
  });

  it.each([
    ['a payer', { from: '0x01' }],
    ['a token', { asset: 7 }],
    ['a spender', { spender: '' }],
    ['an amount', { amount: '1e6' }],
    ['a negative amount', { amount: '-1' }],
    ['an end', { deadline: '0x10' }],
    ['a signature', { signature: '0xaa' }],
  ])('is malformed with something else in the place of %s', (_, changed) => {
    expect(read({ ...INFO, ...changed })).toBe('malformed');
  });
});
