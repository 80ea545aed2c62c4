import { describe, expect, it } from 'vitest';
import { parseAtomicPrice, parsePrice, priceInUnits } from '../../../src/domain/price.ts';

describe('the text of a price', () => {
  it.each([
    ['free', { kind: 'free' }],
    ['$0.001', { kind: 'usd', decimal: '0.001' }],
    ['$1', { kind: 'usd', decimal: '1' }],
    ['$10.00', { kind: 'usd', decimal: '10.00' }],
    ['$0.0000001', { kind: 'usd', decimal: '0.0000001' }],
    ['0.25 USDC', { kind: 'token', decimal: '0.25', symbol: 'USDC' }],
    ['3  EURC', { kind: 'token', decimal: '3', symbol: 'EURC' }],
    ['1 USD₮0', { kind: 'token', decimal: '1', symbol: 'USD₮0' }],
    ['1 USDC.e', { kind: 'token', decimal: '1', symbol: 'USDC.e' }],
  ])('%s is read without loss', (text, value) => {
    expect(parsePrice(text)).toEqual({ ok: true, value });
  });

  it.each([
    '',
    ' ',
    'Free',
    'FREE',
    ' free',
    'free ',
    'fre',
    'gratis',
    '-1',
    '$-1',
    '-$1',
    '+1',
    '$+1',
    '1',
    '0.001',
    '1e3',
    '$1e3',
    '1e3 USDC',
    '$1e-3',
    '$',
    '$.',
    '$1.',
    '1. USDC',
    '.5',
    '$.5',
    '.5 USDC',
    '01',
    '$01',
    '$00.1',
    '01 USDC',
    '$0x10',
    '0x10 USDC',
    '$1,50',
    '$1_000',
    '$1.0.0',
    '$1\n',
    '\n$1',
    '$ 1',
    '$1 ',
    '$0.25 USDC',
    '0.25USDC',
    '0.25\tUSDC',
    '0.25 0xabc',
    '0.25 US DC',
    '€1',
    '$١',
    '$１',
    '１ USDC',
    '$𝟏',
    '$NaN',
    '$Infinity',
    'null',
    'undefined',
  ])('%j is refused, with what would be right', (text) => {
    const parsed = parsePrice(text);
    if (parsed.ok) expect.unreachable(`${JSON.stringify(text)} became ${JSON.stringify(parsed.value)}`);
    expect(parsed.wrong).not.toBe('');
    expect(parsed.right).not.toBe('');
  });

  it.each([
    '$0',
    '$0.0',
    '$0.000000',
    '0 USDC',
    '0.00 USDC',
  ])('%s is refused: only the word free means free', (text) => {
    expect(parsePrice(text)).toEqual({
      ok: false,
      wrong: 'a price of zero is ambiguous',
      right: 'free, when the route shall cost nothing',
    });
  });
});

describe('a price in atomic units', () => {
  it.each([
    ['0.001', 6, 1000n],
    ['0.000001', 6, 1n],
    ['1', 6, 1_000_000n],
    ['1.10', 6, 1_100_000n],
    ['123456789.123456', 6, 123_456_789_123_456n],
    ['5', 0, 5n],
    ['0.000000000000000001', 18, 1n],
    ['1.000000000000000001', 18, 1_000_000_000_000_000_001n],
    ['0.1', 18, 100_000_000_000_000_000n],
    // Where a double is off by one.
    ['9007199254.740993', 6, 9_007_199_254_740_993n],
    ['4.35', 2, 435n],
  ])('%s at %i decimals is %s', (decimal, decimals, amount) => {
    expect(priceInUnits(decimal, decimals)).toEqual({ ok: true, value: amount });
  });

  it.each([
    ['0.0000001', 6],
    ['0.0000009', 6],
    ['0.0010000', 6],
    ['1.5', 0],
    ['0.0000000000000000001', 18],
  ])('%s has more digits than %i decimals hold and is refused instead of rounded', (decimal, decimals) => {
    expect(priceInUnits(decimal, decimals)).toMatchObject({
      ok: false,
      wrong: expect.stringContaining('digits after the point'),
      right: `at most ${decimals} digits after the point`,
    });
  });

  it('is refused where no token could hold it', () => {
    expect(priceInUnits('9'.repeat(73), 6)).toMatchObject({ ok: false, wrong: expect.stringContaining('more than') });
    expect(priceInUnits('9'.repeat(4000), 6)).toMatchObject({ ok: false });
  });

  it.each(['0', '0.0', '0.000000'])('%s is refused: it would be free', (decimal) => {
    expect(priceInUnits(decimal, 6)).toMatchObject({ ok: false, wrong: 'a price of zero is ambiguous' });
  });
});

describe('the long form of a price', () => {
  it('is taken as it stands', () => {
    expect(parseAtomicPrice('10000', '0xabc')).toEqual({
      ok: true,
      value: { kind: 'atomic', amount: 10000n, asset: '0xabc' },
    });
  });

  it.each(['', '-1', '1.5', '1e3', '0x10', '01', ' 1', 10000, null, undefined])('refuses the amount %j', (amount) => {
    expect(parseAtomicPrice(amount, '0xabc')).toMatchObject({ ok: false, wrong: expect.stringContaining('amount') });
  });

  it('refuses zero', () => {
    expect(parseAtomicPrice('0', '0xabc')).toMatchObject({ ok: false, wrong: 'a price of zero is ambiguous' });
  });
});
