import type { AccessTerms } from '../domain/access.ts';
import { say } from './language.ts';
import type { Language } from './texts/page-text.ts';

const UNITS = [
  ['days', 86_400_000],
  ['hours', 3_600_000],
  ['minutes', 60_000],
] as const;

/** The terms of a pass in words: `24 hours or 1000 requests, whichever ends first`. */
export function passTerms({ forMs, requests, balance }: AccessTerms, language: Language): string {
  if (balance !== undefined) return say(language, 'passBalance');
  const time = forMs === undefined ? undefined : duration(forMs, language);
  const count = requests === undefined ? undefined : requests.toLocaleString(language.tag);
  if (time === undefined && count === undefined) return say(language, 'passUnlimited');
  if (count === undefined) return say(language, 'passTime', { time: time ?? '' });
  return time === undefined ? say(language, 'passRequests', { count }) : say(language, 'passBoth', { time, count });
}

/** In the largest unit that gives a whole number of two or more; else in minutes. */
function duration(ms: number, language: Language): string {
  const [unit, size] = UNITS.find(([, length]) => ms >= 2 * length && ms % length === 0) ?? UNITS[2];
  return say(language, unit, { count: Math.max(1, Math.round(ms / size)).toLocaleString(language.tag) });
}
