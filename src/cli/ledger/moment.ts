import { parseDuration } from '../../config/duration.ts';
import { UsageError } from '../exit.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_AND_TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?$/i;

/** How far back a duration may reach: further than any ledger. */
const BACK = {
  minMs: 1,
  maxMs: 36_500 * 86_400_000,
  min: 'at least 1ms',
  max: 'at most 36500d',
  expects: 'a duration such as 24h or 7d, a date such as 2026-11-30, or a time such as 2026-11-30T18:00:00Z',
};

/**
 * Reads a moment into Unix milliseconds: a date (its first instant), a date with a time, or a duration before `now`.
 * Without a zone it is UTC, as the ledger's days are.
 *
 * @param option what it was given for, in messages: `--since`
 * @throws UsageError when it is none of them, or a date that no calendar has
 */
export function parseMoment(option: string, text: string, now: number): number {
  if (DATE.test(text)) return instant(option, text, '00:00', 'Z');
  const [, date, time, zone = 'Z'] = DATE_AND_TIME.exec(text) ?? [];
  if (date !== undefined && time !== undefined) return instant(option, date, time, zone);
  const ago = parseDuration(text, BACK);
  if (!ago.ok) throw new UsageError(`${option}: ${ago.wrong}; right is ${ago.right}`);
  return now - ago.value;
}

function instant(option: string, date: string, time: string, zone: string): number {
  const day = Date.parse(`${date}T00:00:00Z`);
  // `Date` takes 30 February for 2 March: a report must not begin two days later than it says.
  const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(date);
  const moment = exists ? Date.parse(`${date}T${time}${zone.toUpperCase()}`) : Number.NaN;
  if (Number.isNaN(moment)) throw new UsageError(`${option}: there is no ${date} ${time}; right is ${BACK.expects}`);
  return moment;
}
