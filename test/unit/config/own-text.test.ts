import { expect, it } from 'vitest';
import { ownText } from '../../../src/config/own-text.ts';

it.each([
  '',
  'short',
  'a path that is longer',
  'with "quotes" and \\ and \n',
  'ü and 🚧 and \u2028',
  'half of a pair: \ud800',
])('a text on its own is the same text: %j', (text) => {
  expect(ownText(text)).toBe(text);
});
