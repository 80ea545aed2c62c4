import { expect, it } from 'vitest';
import { remember } from '../../../src/domain/remember.ts';

it('makes a value once while it is remembered, and keeps no more values than allowed', () => {
  const made: string[] = [];
  const read = remember(
    2,
    (key: string) => {
      made.push(key);
      return key === 'nothing' ? undefined : key.toUpperCase();
    },
    ({ length }) => length < 10,
  );
  expect([read('a'), read('a'), read('b'), read('a')]).toEqual(['A', 'A', 'B', 'A']);
  expect(made).toEqual(['a', 'b']);
  expect([read('nothing'), read('nothing'), read('far too long'), read('far too long')]).toHaveLength(4);
  expect(made).toEqual(['a', 'b', 'nothing', 'nothing', 'far too long', 'far too long']);
  read('c');
  expect(read('a')).toBe('A');
  expect(made.slice(-2)).toEqual(['c', 'a']);
});
