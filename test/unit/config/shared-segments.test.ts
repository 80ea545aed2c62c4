import { expect, it } from 'vitest';
import { parsePathPattern } from '../../../src/config/path-pattern.ts';
import { SharedSegments } from '../../../src/config/shared-segments.ts';
import type { PathPattern } from '../../../src/domain/route.ts';

function pattern(text: string): PathPattern {
  const parsed = parsePathPattern(text);
  if (!parsed.ok) throw new Error(parsed.wrong);
  return parsed.value;
}

it('patterns that have a segment in common share it, and stay what they are', () => {
  const segments = new SharedSegments();
  const texts = ['/v1/weather/:city', '/v1/news/:city/*', '/:v1', '/v1/{city}.json', '/v1/{city}.xml', '/*'];
  const shared = texts.map((text) => segments.in(pattern(text)));
  expect(shared).toEqual(texts.map(pattern));
  const [weather, news, param] = shared;
  expect(news?.segments[0]).toBe(weather?.segments[0]);
  expect(news?.segments[2]).toBe(weather?.segments[2]);
  expect(param?.segments[0]).not.toBe(weather?.segments[0]);
});
