import { describe, expect, it } from 'vitest';
import { canonicalJson, isJsonObject } from '../../../src/domain/payment.ts';

describe('canonical JSON', () => {
  it('is the same for objects whose keys come in another order, at any depth', () => {
    const one = { b: [{ y: 1, x: { d: null, c: 'ü' } }], a: true };
    const other = { a: true, b: [{ x: { c: 'ü', d: null }, y: 1 }] };
    expect(canonicalJson(one)).toBe('{"a":true,"b":[{"x":{"c":"ü","d":null},"y":1}]}');
    expect(canonicalJson(other)).toBe(canonicalJson(one));
  });

  it('differs where the order carries meaning', () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });

  it('tells values of different types apart', () => {
    const texts = [null, 0, '0', false, 'false', '', [], {}, [null], { '': null }, '{}'].map(canonicalJson);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('orders keys by code unit, not by locale', () => {
    expect(canonicalJson({ ä: 1, Z: 2, a: 3, '10': 4, '9': 5 })).toBe('{"10":4,"9":5,"Z":2,"a":3,"ä":1}');
  });

  it('escapes what JSON escapes', () => {
    expect(canonicalJson({ 'a"b': '\n\ud800' })).toBe('{"a\\"b":"\\n\\ud800"}');
  });
});

describe('a JSON object', () => {
  it.each([
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    ['{}', false],
    [1, false],
    [false, false],
    [undefined, false],
  ])('%j: %s', (value, yes) => {
    expect(isJsonObject(value)).toBe(yes);
  });
});
