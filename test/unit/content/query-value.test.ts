import { describe, expect, it } from 'vitest';
import { keyIn, queryValue } from '../../../src/content/query-value.ts';
import { codeOr } from '../../support/code-or.ts';

const readIn = (query: string, name = 'tier'): unknown => codeOr(() => queryValue(query, name));

describe('the value of a key of the query', () => {
  it.each([
    ['?tier=dear', 'dear'],
    ['?a=1&tier=de%61r&b=2', 'dear'],
    ['?tier=a+b', 'a b'],
    ['?tier', ''],
    ['?tiers=1&tier=x&[tiers]=2&a[tier]=3', 'x'],
  ])('in %s is %j', (query, text) => {
    expect(readIn(query)).toEqual({ kind: 'text', text });
  });

  it.each(['', '?', '?tie=r', '?a[tier]=1', '?tier_size=1'])('is absent in %j', (query) => {
    expect(readIn(query)).toEqual({ kind: 'absent' });
  });

  it.each([
    '?tier=a&tier=b',
    '?TIER=dear',
    '?tier[]=dear',
    '?tier%5B%5D=dear',
    '?+tier=dear',
    '?tier%00x=dear',
    '?[tier]=dear',
    '?%5Btier%5D=dear',
    '?[tier][]=dear',
    '?[[tier]=dear',
    '?[tier]=',
    '?tier]=dear',
    '?]tier=dear',
    '?[tier=dear',
    '?tier=a;b=c',
    '?tier=%zz',
  ])('is refused in %s, which readers take for two things', (query) => {
    expect(readIn(query)).toBe('request_ambiguous');
  });

  it.each([
    'max.size',
    'max+size',
    'max[size',
    'max%5Bsize',
    'MAX_size',
    'max_size[]',
  ])('is refused where %s can be max_size', (key) => {
    expect(readIn(`?${key}=huge`, 'max_size')).toBe('request_ambiguous');
  });

  it('is refused where some readers drop it, behind a thousand others', () => {
    expect(readIn(`?${'a&'.repeat(999)}tier=x`)).toEqual({ kind: 'text', text: 'x' });
    expect(readIn(`?${'a&'.repeat(1000)}tier=x`)).toBe('request_ambiguous');
    expect(readIn(`?tier=x${'&a'.repeat(1000)}`)).toBe('request_ambiguous');
  });

  it('can have a key with brackets', () => {
    expect(readIn('?filter[size]=x', 'filter[size]')).toEqual({ kind: 'text', text: 'x' });
    expect(readIn('?filter[name]=a&filter[size]=x&filters[size]=y', 'filter[size]')).toEqual({
      kind: 'text',
      text: 'x',
    });
    for (const other of ['filter[name]', 'filter[name]size', 'filter[sizes]', 'my_filter[size]', 'x[filter][size]'])
      expect(readIn(`?${other}=a`, 'filter[size]'), other).toEqual({ kind: 'absent' });
    for (const twin of [
      'filter',
      'filter[]',
      'filter[size][]',
      'filter.size',
      'Filter[Size]',
      'filter[size',
      'filter[size]x',
    ])
      expect(readIn(`?${twin}=x`, 'filter[size]'), twin).toBe('request_ambiguous');
  });
});

describe('whether a query has a key', () => {
  it.each([
    '?_method=PUT',
    '?a=1&_METHOD=PUT',
    '?%5fmethod',
    '?[_method]=PUT',
    '?a;_method=PUT',
    '?%zz&_method=x',
  ])('it has in %s', (query) => {
    expect(keyIn(query, ['tier', '_method'])).toBe('_method');
  });

  it.each(['?method=PUT', '?a=_method', '?_methods=1', '?%zz'])('it has not in %s', (query) => {
    expect(keyIn(query, ['tier', '_method'])).toBeUndefined();
  });
});
