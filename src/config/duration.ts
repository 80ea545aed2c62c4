import type { Parsed } from '../domain/price.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';

const DURATION = /^(0|[1-9]\d{0,8})(ms|s|m|h|d)$/;
const PATTERN = '[1-9]\\d{0,8}(?:ms|s|m|h|d)';
const PAUSE_PATTERN = '(?:0|[1-9]\\d{0,8})(?:ms|s|m|h|d)';
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration may be, both ends included, in milliseconds and in words. */
interface DurationBounds {
  readonly minMs: number;
  readonly maxMs: number;
  readonly min: string;
  readonly max: string;
  readonly expects: string;
}

/** For what a timer waits for: a Node timer above the largest 32-bit number runs at once. */
const TIMER: DurationBounds = {
  minMs: 1,
  maxMs: 2_147_483_647,
  min: 'at least 1ms',
  max: 'at most 596h',
  expects: 'a duration such as 250ms, 30s, 5m or 1h',
};

/** For what may be left out: no wait at all. */
const PAUSE: DurationBounds = {
  ...TIMER,
  minMs: 0,
  min: 'at least 0s',
  expects: 'a duration such as 0s, 250ms or 5s',
};

/** For how long records are kept, which no timer waits for. */
const RETENTION: DurationBounds = {
  minMs: 3_600_000,
  maxMs: 36_500 * 86_400_000,
  min: 'at least 1h',
  max: 'at most 36500d',
  expects: 'a duration of at least 1h, such as 12h or 90d',
};

/** For how long access is sold. A second is shorter than a buyer needs to come back once. */
const ACCESS: DurationBounds = {
  minMs: 1_000,
  maxMs: 3_660 * 86_400_000,
  min: 'at least 1s',
  max: 'at most 3660d',
  expects: 'a duration such as 10m, 1h or 30d',
};

/** A positive duration such as `250ms`, `30s`, `5m` or `1h`, in milliseconds; at most `596h`. */
export const duration: Decoder<number> = boundedDuration(TIMER);

/** A duration that may be `0s`, in milliseconds; at most `596h`. */
export const pause: Decoder<number> = boundedDuration(PAUSE);

/** How long records are kept, in milliseconds: from `1h` to a hundred years. */
export const retentionPeriod: Decoder<number> = boundedDuration(RETENTION);

/** How long a pass opens a route, in milliseconds: from `1s` to ten years. */
export const accessPeriod: Decoder<number> = boundedDuration(ACCESS);

function boundedDuration(bounds: DurationBounds): Decoder<number> {
  return text({
    expects: bounds.expects,
    pattern: bounds.minMs === 0 ? PAUSE_PATTERN : PATTERN,
    bare: true,
    parse: (given) => parseDuration(given, bounds),
  });
}

const NAMED_MS: Readonly<Record<string, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** What {@link parsePeriod} takes, for messages and for editors. */
export const PERIOD_RIGHT = 'second, minute, hour or day, or a duration such as 30m';
export const PERIOD_PATTERN = `second|minute|hour|day|${PATTERN}`;

/** Reads a period that something is counted in, in milliseconds: from a second to ten years. */
export function parsePeriod(given: string): Parsed<number> {
  const named = Object.hasOwn(NAMED_MS, given) ? NAMED_MS[given] : undefined;
  return named === undefined ? parseDuration(given, { ...ACCESS, expects: PERIOD_RIGHT }) : { ok: true, value: named };
}

/** Reads a duration into milliseconds. A number without unit is refused: seconds and milliseconds look alike. */
export function parseDuration(given: string, bounds: DurationBounds = TIMER): Parsed<number> {
  const [, digits, unit] = DURATION.exec(given) ?? [];
  if (digits === undefined || unit === undefined) {
    if (/^\d+$/.test(given))
      return { ok: false, wrong: `the duration ${given} has no unit`, right: `${given}s or ${given}ms` };
    return { ok: false, wrong: `${JSON.stringify(given)} is not a duration`, right: bounds.expects };
  }
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
  if (ms === 0 && bounds.minMs > 0)
    return { ok: false, wrong: 'a duration of zero would never let anything finish', right: bounds.expects };
  if (ms < bounds.minMs) return { ok: false, wrong: `the duration ${given} is too short`, right: bounds.min };
  if (ms > bounds.maxMs) return { ok: false, wrong: `the duration ${given} is too long`, right: bounds.max };
  return { ok: true, value: ms };
}
