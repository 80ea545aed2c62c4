import { describe, expect, it } from 'vitest';
import { parseAmount } from '../../../src/domain/amount.ts';
import { formatDecimal, parseCount, parseDecimal } from '../../../src/domain/decimal.ts';
import { parseRate } from '../../../src/domain/rate.ts';
import { statedCharge } from '../../../src/metering/charge.ts';

const USD = { kind: 'usd' } as const;

describe('A rate', () => {
  it.each([
    ['$2.50/1M', '2.5', 1_000_000n],
    ['$0.0001', '0.0001', 1n],
    ['$1/1K', '1', 1_000n],
    ['$3/5G', '3', 5_000_000_000n],
    ['$0/1M', '0', 1_000_000n],
  ])('%s is read exactly', (text, price, per) => {
    const rate = parseRate(text, 'input', USD);
    expect(rate && [formatDecimal(rate.price), rate.per]).toEqual([price, per]);
  });

  it('of a token has its symbol, and a cost has a factor', () => {
    expect(parseRate('0.25 USDC/1K', 'input', { kind: 'token', symbol: 'USDC' })?.per).toBe(1_000n);
    expect(parseRate('0.25 EURC/1K', 'input', { kind: 'token', symbol: 'USDC' })).toBeUndefined();
    expect(parseRate('1.1', 'cost', USD)?.per).toBe(1n);
    expect(parseRate('$1.1', 'cost', USD)).toBeUndefined();
  });

  it.each([
    '2.50/1M',
    '$2.50/0',
    '$2.50/1X',
    '$2.50/1M/1',
    '$-1',
    '$1e3',
    '$',
    '',
    '$1/ 1M',
    '$1/01',
  ])('is not %j', (text) => {
    expect(parseRate(text, 'input', USD)).toBeUndefined();
  });
});

describe('A decimal', () => {
  it('is read from its text, exponent and all', () => {
    const read = (text: string): string => formatDecimal(parseDecimal(text) ?? { digits: 0n, scale: 0 });
    expect(['4.2e-05', '1E3', '0.10', '9007199254740993'].map(read)).toEqual([
      '0.000042',
      '1000',
      '0.1',
      '9007199254740993',
    ]);
  });

  it.each(['-1', '1e999', 'NaN', '', '1.', '.5', '0x10', ' 1', '01', '1'.repeat(65)])('is not %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });

  it('counts where it is whole', () => {
    expect([parseCount('12.0'), parseCount('1.2e1'), parseCount('1.25')]).toEqual([12n, 12n, undefined]);
  });
});

describe("The API's own word for a charge", () => {
  const bounds = { min: units('0'), max: units('100000'), decimals: 6 };

  it.each([
    ['{"amount":"1500"}', 1_500n],
    ['{"amount":"25%"}', 25_000n],
    ['{"amount":"33.33%"}', 33_330n],
    ['{"amount":"$0.0123456"}', 12_345n],
    ['1500', 1_500n],
    ['{"amount":"100001"}', 100_000n],
    ['{"amount":"0"}', 0n],
    ['{"amount":"999%"}', 100_000n],
  ])('%s is taken as official servers take it', (text, charge) => {
    expect(statedCharge(text, bounds)).toBe(charge);
  });

  it.each([
    '{"amount":1500}',
    '{"amount":"1","amount":"2"}',
    '{"amount":"-1"}',
    '{"amount":"1.5"}',
    '{}',
    '',
    'all',
    '{"amount":"33.333%"}',
  ])('%s is none', (text) => {
    expect(statedCharge(text, bounds)).toBeUndefined();
  });
});

function units(text: string) {
  const amount = parseAmount(text);
  if (amount === undefined) throw new Error(`${text} is no amount`);
  return amount;
}
