import { describe, expect, it } from 'vitest';
import { type PayableOffer, priceText, readOffer } from '../../../../src/cli/pay/payable-offer.ts';
import { overLimit, parseSpendingLimit } from '../../../../src/cli/pay/spending-limit.ts';
import { printable } from '../../../../src/cli/terminal.ts';
import { readAssetTable } from '../../../../src/config/asset-table.ts';

const TABLE = readAssetTable();
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const UNKNOWN = '0x00000000000000000000000000000000000c0ffe';

function offer(amount: string, asset: string = USDC, network: `${string}:${string}` = 'eip155:84532'): PayableOffer {
  const entry = { scheme: 'exact', network, amount, asset, payTo: UNKNOWN, maxTimeoutSeconds: 60, extra: {} };
  const read = readOffer(entry, TABLE);
  if (read === undefined) throw new Error('the offer of the test is none');
  return read;
}

function verdict(max: string, wanted: PayableOffer): string | undefined {
  const limit = parseSpendingLimit(max);
  if (!limit.ok) throw new Error(limit.wrong);
  return overLimit(limit.value, wanted);
}

describe('the spending limit', () => {
  it.each([
    ['$0.10', '100000'],
    ['$0.1', '100000'],
    ['0.10 USDC', '100000'],
    ['$1000000000000', '1000000000000000000'],
    [`100000 ${USDC.toLowerCase()}`, '100000'],
  ])('of %s covers exactly %s atomic units of USDC', (max, most) => {
    expect(verdict(max, offer(most))).toBeUndefined();
    expect(verdict(max, offer((BigInt(most) + 1n).toString()))).toContain('more than --max');
  });

  it('finer than the token is cut, never rounded up', () => {
    expect(verdict('$0.0000019', offer('1'))).toBeUndefined();
    expect(verdict('$0.0000019', offer('2'))).toContain('more than --max, 0.000001 USDC');
    expect(verdict('$0.0000009', offer('1'))).toContain('more than --max, 0 USDC');
  });

  it('in dollars never covers a token of unknown worth, whatever it calls itself', () => {
    expect(verdict('$1000', offer('1', UNKNOWN))).toContain(`--max '1 ${UNKNOWN}'`);
    expect(verdict('1000 USDC', offer('1', UNKNOWN))).toContain('is not known here');
  });

  it('in atomic units covers that contract only', () => {
    expect(verdict(`5 ${UNKNOWN}`, offer('5', UNKNOWN))).toBeUndefined();
    expect(verdict(`5 ${UNKNOWN}`, offer('6', UNKNOWN))).toContain('more than --max');
    expect(verdict(`5 ${UNKNOWN}`, offer('1'))).toContain('another token');
  });

  it('does not take the address of USDC on another network for USDC', () => {
    expect(verdict('$1', offer('1', USDC, 'eip155:1'))).toContain('is not known here');
  });

  it.each(['', '5', 'free', '$0', '-$1', '$1e3', '1 0x12', `1.5 ${USDC}`, `0 ${USDC}`])('cannot be %j', (text) => {
    expect(parseSpendingLimit(text)).toMatchObject({ ok: false });
  });
});

describe('an offer', () => {
  it.each(['', '0', '-1', '1.5', '0x10', ' 1', '1e3'])('with the amount %j is none', (amount) => {
    const entry = {
      scheme: 'exact',
      network: 'eip155:84532',
      amount,
      asset: USDC,
      payTo: '',
      maxTimeoutSeconds: 1,
      extra: {},
    };
    expect(readOffer({ ...entry, network: 'eip155:84532' }, TABLE)).toBeUndefined();
  });

  it.each([
    ['eip155:84532', UNKNOWN, true],
    ['base-sepolia', UNKNOWN, true],
    ['hedera:testnet', '0.0.429274', true],
    ['hedera:testnet', UNKNOWN, false],
    ['eip155:84532', '0.0.429274', false],
    ['tide:1', UNKNOWN, false],
  ] as const)('on %s is read by the family of that network: %s', (network, address, isRead) => {
    const of = { asset: address, payTo: address, amount: '1', scheme: 'exact', maxTimeoutSeconds: 1, extra: {} };
    // The name of v1 is no CAIP-2 identifier, which the type asks for.
    const entry = { ...of, network: network as `${string}:${string}` };
    expect(readOffer(entry, TABLE) !== undefined).toBe(isRead);
  });

  it('is priced in whole units where the token is known, else in atomic ones', () => {
    expect(priceText(offer('1500'))).toBe('0.0015 USDC');
    expect(priceText(offer('1500', UNKNOWN))).toBe(`1500 atomic units of ${UNKNOWN}`);
  });
});

describe('text from a server', () => {
  it('cannot move the cursor, break the line or turn the reading direction around', () => {
    expect(printable('a\u001b[2Kb\r\nc\u202ed')).toBe('a\\u{1b}[2Kb\\u{d}\\u{a}c\\u{202e}d');
    expect(printable({ toString: 'x' })).toBe('{"toString":"x"}');
  });
});
