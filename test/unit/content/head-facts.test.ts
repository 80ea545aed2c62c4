import { describe, expect, it } from 'vitest';
import { headFact } from '../../../src/content/head-facts.ts';
import { codeOr } from '../../support/code-or.ts';

const asked = (rawHeaders: readonly string[], query = '', method = 'POST') => ({
  method,
  query,
  rawHeaders,
  isVerified: () => false,
});

const tierOf = (...rawHeaders: readonly string[]): unknown =>
  codeOr(() => headFact({ kind: 'header', name: 'x-tier' }, asked(rawHeaders)));

describe('the value of a header', () => {
  it.each(['cheap', ' cheap', '\tcheap \t'])('is cheap in %j', (value) => {
    expect(tierOf('X-Tier', value)).toEqual({ kind: 'text', text: 'cheap' });
  });

  it.each([
    'cheap\u00a0',
    '\u00a0cheap',
    'cheap\u0085',
    'cheap\u00a0 ',
  ])('is refused in %j, which some APIs trim', (value) => {
    expect(tierOf('X-Tier', value)).toBe('request_ambiguous');
  });

  it.each([
    'X_Tier',
    'X.Tier',
    'x~tier',
    'X+Tier',
  ])('is refused under %s, which servers behind CGI take for X-Tier', (name) => {
    expect(tierOf(name, 'dear')).toBe('request_ambiguous');
  });

  it('is refused where it is given twice, or Connection names it', () => {
    expect(tierOf('X-Tier', 'a', 'x-tier', 'a')).toBe('request_ambiguous');
    expect(tierOf('Connection', 'close, X-Tier', 'X-Tier', 'a')).toBe('request_ambiguous');
  });

  it('is absent under other names', () => {
    expect(tierOf('X-Tiers', 'a', 'Tier', 'b')).toEqual({ kind: 'absent' });
  });
});

describe('the method of a request', () => {
  const methodOf = (rawHeaders: readonly string[], query = '', method = 'POST'): unknown =>
    codeOr(() => headFact({ kind: 'method' }, asked(rawHeaders, query, method)));

  it('is that of the request line, and that of GET for HEAD', () => {
    expect(methodOf([], '?method=PUT')).toEqual({ kind: 'text', text: 'POST' });
    expect(methodOf([], '', 'HEAD')).toEqual({ kind: 'text', text: 'GET' });
  });

  it.each([
    [['X-HTTP-Method-Override', 'DELETE'], ''],
    [['X.HTTP.Method', 'DELETE'], ''],
    [[], '?_method=DELETE'],
    [[], '?a=1&%5Fmethod=DELETE'],
  ])('is refused where %j and %j ask for another one', (rawHeaders, query) => {
    expect(methodOf(rawHeaders, query)).toBe('request_ambiguous');
  });
});
