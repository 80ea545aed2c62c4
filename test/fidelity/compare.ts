import { createHash } from 'node:crypto';
import { ANSWER_DIFFERENCES } from './answer-differences.ts';
import type { Difference, Meeting } from './difference.ts';
import { type Message, textOf } from './message.ts';
import { REQUEST_DIFFERENCES } from './request-differences.ts';

const DIFFERENCES: readonly Difference[] = [...REQUEST_DIFFERENCES, ...ANSWER_DIFFERENCES];

/** Interim answers are no part of an answer; what becomes of them is compared apart. */
export const INTERIM = 'interim';

/** What `docs/http.md` has to list. */
export const DIFFERENCE_IDS: readonly string[] = [...DIFFERENCES.map(({ id }) => id), INTERIM];

/** A message through the gateway beside what it should be, as text to compare. */
export interface Compared {
  readonly actual: string;
  /** The direct message with all that is documented done to it. */
  readonly expected: string;
  /** Differences that changed something. */
  readonly used: readonly string[];
}

/** Does to the direct message what the gateway says it does, and puts it beside what came through. */
export function compare(side: Difference['side'], direct: Message, meeting: Meeting): Compared {
  const draft: Message = { ...direct, headers: direct.headers.map(([name, value]) => [name, value]) };
  const used: string[] = [];
  for (const difference of DIFFERENCES) {
    if (difference.side !== side) continue;
    const before = textOf(draft);
    difference.apply(draft, meeting);
    if (textOf(draft) !== before) used.push(difference.id);
  }
  return { actual: shown(meeting.actual), expected: shown(draft), used };
}

/** A message for people: a long payload by its length and digest. */
function shown(message: Message): string {
  const { payload } = message;
  if (payload.length < 2000) return textOf(message);
  const digest = createHash('sha256').update(payload, 'latin1').digest('hex');
  return textOf({ ...message, payload: `${payload.slice(0, 40)}… ${payload.length} bytes, SHA-256 ${digest}` });
}
