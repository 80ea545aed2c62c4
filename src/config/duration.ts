import type { Parsed } from '../domain/price.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';

const DURATION = /^(0|[1-9]\d{0,8})(ms|s|m|h)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** A Node timer above this runs at once. */
const MAX_MS = 2_147_483_647;

/** A positive duration such as `250ms`, `30s`, `5m` or `1h`, in milliseconds. */
export const duration: Decoder<number> = text({
  expects: 'a duration such as 250ms, 30s, 5m or 1h',
  pattern: '[1-9]\\d{0,8}(?:ms|s|m|h)',
  bare: true,
  parse: parseDuration,
});

/** Reads a duration into milliseconds. A number without unit is refused: seconds and milliseconds look alike. */
export function parseDuration(given: string): Parsed<number> {
  const right = 'a duration such as 250ms, 30s, 5m or 1h';
  const [, digits, unit] = DURATION.exec(given) ?? [];
  if (digits === undefined || unit === undefined) {
    if (/^\d+$/.test(given))
      return { ok: false, wrong: `the duration ${given} has no unit`, right: `${given}s or ${given}ms` };
    return { ok: false, wrong: `${JSON.stringify(given)} is not a duration`, right };
  }
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
  if (ms === 0) return { ok: false, wrong: 'a duration of zero would never let anything finish', right };
  if (ms > MAX_MS) return { ok: false, wrong: `the duration ${given} is too long`, right: 'at most 596h' };
  return { ok: true, value: ms };
}
