import { assert, property, uint8Array } from 'fast-check';
import { getAddress } from 'viem';
import { describe, expect, it } from 'vitest';
import { checksumAddress } from '../../src/evm/checksum.ts';

describe('the checksum of an address', () => {
  it('is the one that the ecosystem writes, whatever the casing that was given', () => {
    assert(
      property(uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
        const digits = Buffer.from(bytes).toString('hex');
        const right = getAddress(`0x${digits}`);
        expect(checksumAddress(`0x${digits}`)).toBe(right);
        expect(checksumAddress(`0x${digits.toUpperCase()}`)).toBe(right);
      }),
    );
  });

  it('is that of the examples of EIP-55', () => {
    for (const example of [
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
      '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
      '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
    ]) {
      expect(checksumAddress(example.toLowerCase())).toBe(example);
    }
  });

  it('does not exist for what is no address', () => {
    expect(checksumAddress('0x1234')).toBeUndefined();
    expect(checksumAddress(`0X${'0'.repeat(40)}`)).toBeUndefined();
  });
});
