import { describe, expect, it } from 'vitest';
import { type Network, parseNetwork } from '../../../src/domain/network.ts';
import { assetId, type NetworkFamily, networkFamilies, sameAddress } from '../../../src/domain/network-family.ts';
import { eip155 } from '../../../src/family/eip155/eip155.ts';
import { families } from '../../../src/registry.ts';

const CHECKED = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';

function network(text: string): Network {
  const read = parseNetwork(text);
  if (read === undefined) throw new Error(text);
  return read;
}

describe('addresses of EVM chains', () => {
  it('are the same in every casing, and stand for themselves in lower case', () => {
    expect(sameAddress(eip155, CHECKED, CHECKED.toLowerCase())).toBe(true);
    expect(sameAddress(eip155, CHECKED, `0x${'11'.repeat(20)}`)).toBe(false);
    expect(eip155.addressId(CHECKED)).toBe(CHECKED.toLowerCase());
    expect(assetId(families, network('eip155:8453'), CHECKED)).toBe(`eip155:8453 ${CHECKED.toLowerCase()}`);
  });

  it('are refused when a letter of the wrong case shows that a digit may be wrong', () => {
    expect(eip155.readAddress(CHECKED)).toEqual({ ok: true, value: CHECKED });
    expect(eip155.readAddress(CHECKED.replace('Bc', 'bc')).ok).toBe(false);
    expect(eip155.readAddress(`0x${'0'.repeat(40)}`).ok).toBe(false);
  });

  it('are paid by transactions of 32 bytes in hexadecimal', () => {
    expect(eip155.isTransaction(`0x${'aB'.repeat(32)}`)).toBe(true);
    for (const text of [
      `0x${'ab'.repeat(31)}`,
      `0x${'0'.repeat(64)}`,
      'ab'.repeat(32),
      '',
      '5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnb',
    ])
      expect(eip155.isTransaction(text)).toBe(false);
  });
});

describe('a family that is not known', () => {
  const family = families.of(network('madeup:main'));

  it('keeps addresses that differ in case apart', () => {
    expect(sameAddress(family, 'AbC', 'abc')).toBe(false);
    expect(assetId(families, network('madeup:main'), 'AbC')).toBe('madeup:main AbC');
  });

  it('takes a printable text as an address, and a plausible text as a transaction', () => {
    expect(family.readAddress('0.0.1234')).toEqual({ ok: true, value: '0.0.1234' });
    for (const text of ['', 'two words', 'line\nbreak', 'x'.repeat(129)])
      expect(family.readAddress(text).ok).toBe(false);
    expect(family.isTransaction('0.0.1234@1700000000.000000001')).toBe(true);
    for (const text of ['', 'short', '<script>alert(1)</script>']) expect(family.isTransaction(text)).toBe(false);
  });

  it('is replaced by a family in the list', () => {
    const own: NetworkFamily = { ...eip155, name: 'madeup' };
    expect(networkFamilies([own]).of(network('madeup:main'))).toBe(own);
    expect(networkFamilies([own]).named('eip155')).toBeUndefined();
  });
});
