import { describe, expect, it } from 'vitest';
import { paymentParts, withoutPayment } from '../../../../src/protocol/mpp/auth-list.ts';

describe('credentials of MPP in a field that APIs use too', () => {
  it.each([
    ['alone', 'Payment abc', ['abc'], ''],
    ['in any case and with any blanks', ' pAyMeNt \t abc ', ['abc'], ''],
    ['behind a credential of the API', 'Bearer x.y, Payment abc', ['abc'], 'Bearer x.y'],
    ['before one', 'Payment abc,Bearer x.y', ['abc'], 'Bearer x.y'],
    [
      'between parameters',
      'Digest username="a", realm=b, Payment abc, Basic eA==',
      ['abc'],
      'Digest username="a", realm=b, Basic eA==',
    ],
    ['twice', 'Payment abc, Payment def', ['abc', 'def'], ''],
    ['without a text', 'Payment', [''], ''],
    ['with parameters', 'Payment id="x", realm="y"', ['id="x", realm="y"'], ''],
    ['behind a comma that nothing stands before', ', Payment abc', ['abc'], ''],
  ])('are found and taken out %s', (_how, value, found, left) => {
    expect(paymentParts(value)).toEqual(found);
    expect(withoutPayment(value)).toBe(left);
  });

  it.each([
    ['nothing like it', 'Basic eA=='],
    ['odd spacing', 'Bearer   x  ,  Basic y'],
    ['its name in a quoted text', 'Digest username="a, Payment abc", realm="b"'],
    ['its name behind an escaped quote', 'Digest username="a\\", Payment abc", realm="b"'],
    ['its name as that of a parameter', 'Digest username="a", payment = "b"'],
    ['its name as a part of another', 'Payments abc, X-Payment abc'],
    ['an empty text', ''],
  ])('are not seen in %s, which stays as it is', (_what, value) => {
    expect(paymentParts(value)).toEqual([]);
    expect(withoutPayment(value)).toBe(value);
  });

  it('are found behind a quoted text without an end, which another reader may end elsewhere', () => {
    const value = 'Digest username="a, Payment abc';
    expect(paymentParts(value)).toEqual(['abc']);
    expect(withoutPayment(value)).toBe('Digest username="a');
  });
});
