import { describe, expect, it } from 'vitest';
import { CHARGE_SUCCESS, chargeText, isCharged, parseStatusRange } from '../../../src/domain/charge-rule.ts';

describe('which answers are charged', () => {
  it.each([
    [199, false],
    [200, true],
    [299, true],
    [300, false],
    [304, false],
    [404, false],
    [500, false],
  ])('by default: %i is %s', (status, charged) => {
    expect(isCharged(CHARGE_SUCCESS, status)).toBe(charged);
  });

  it.each([
    '5xx',
    '500',
    '1xx',
    '100',
    '20x',
    '2XX',
    '2000',
    '',
    '*',
  ])('%s is no status that a route can charge', (text) => {
    expect(parseStatusRange(text)).toBeUndefined();
  });

  it.each(['2xx', '302', '4xx', '499'])('%s is shown as it was written', (text) => {
    const range = parseStatusRange(text);
    expect(range === undefined ? undefined : chargeText({ ...CHARGE_SUCCESS, statuses: [range] })).toBe(text);
  });
});
