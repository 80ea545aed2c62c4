import { describe, expect, it } from 'vitest';
import { formatAmount, formatUnits, parseAmount } from '../../../src/domain/amount.ts';

const MAX_UINT256 = 2n ** 256n - 1n;

describe('an amount on the wire', () => {
  it.each([
    ['0', 0n],
    ['1', 1n],
    ['10000', 10000n],
    ['18446744073709551617', 2n ** 64n + 1n],
    [MAX_UINT256.toString(), MAX_UINT256],
  ])('%s is read exactly', (text, value) => {
    expect(parseAmount(text)).toBe(value);
  });

  it.each([
    '',
    ' ',
    ' 1',
    '1 ',
    '1\n',
    '\n10000',
    '+1',
    '-1',
    '-0',
    '00',
    '01',
    '0x10',
    '0b1',
    '0o7',
    '1e3',
    '1.0',
    '1.',
    '.5',
    '1_000',
    '1,000',
    '1n',
    '١',
    '１',
    'NaN',
    'Infinity',
    (MAX_UINT256 + 1n).toString(),
    '9'.repeat(78),
    '1'.repeat(5000),
  ])('%j is no amount', (text) => {
    expect(parseAmount(text)).toBeUndefined();
  });

  it.each([
    1,
    1n,
    0,
    null,
    undefined,
    true,
    ['1'],
    { valueOf: () => 1 },
    new String('1'),
  ])('a value that is no string is no amount: case %#', (value) => {
    expect(parseAmount(value)).toBeUndefined();
  });

  it('is written as it is read', () => {
    for (const text of ['0', '7', MAX_UINT256.toString()]) expect(formatAmount(parseAmount(text)!)).toBe(text);
  });
});

describe('an amount in whole units', () => {
  it.each([
    [0n, 6, '0'],
    [1n, 6, '0.000001'],
    [1500n, 6, '0.0015'],
    [1_000_000n, 6, '1'],
    [1_230_000n, 6, '1.23'],
    [123_456_789_000_001n, 6, '123456789.000001'],
    [42n, 0, '42'],
    [100n, 0, '100'],
    [0n, 0, '0'],
    [10n ** 18n, 18, '1'],
    [1n, 18, '0.000000000000000001'],
    [MAX_UINT256, 18, '115792089237316195423570985008687907853269984665640564039457.584007913129639935'],
  ])('%s at %i decimals is %s', (amount, decimals, text) => {
    expect(formatUnits(amount, decimals)).toBe(text);
  });
});
