import type { AnswerHead, AnswerReader, AnswerReading, Charge } from '../domain/answer-reader.ts';
import { fieldIn } from '../domain/flat-fields.ts';
import { readCallAnswer } from './call-answer.ts';
import { type CallCharge, chargeFor, MOST_ANSWER_BYTES } from './call-charge.ts';
import { CallStream } from './call-stream.ts';

/** How the answer to a priced call is read. */
export interface CallReading extends CallCharge {
  /** Whether the head waits for the charge, because the client looks for its receipt or its pass there. */
  readonly headWaits: boolean;
}

/**
 * Reads the answer to a priced call before it is charged: a call that the server reports as failed costs nothing. The
 * result is sent only after the money has moved, with the receipt in it.
 */
export function callReader({ headWaits, ...call }: CallReading): AnswerReader {
  return {
    begin(head: AnswerHead): AnswerReading {
      const isStream = isEventStream(head.rawHeaders);
      const readable = !isEncoded(head.rawHeaders);
      return isStream && readable && !headWaits ? new CallStream(call) : wholeAnswer(call, { isStream, readable });
    },
  };
}

function wholeAnswer(
  call: CallCharge,
  { isStream, readable }: { readonly isStream: boolean; readonly readable: boolean },
): AnswerReading {
  return {
    kind: 'whole',
    maxBytes: MOST_ANSWER_BYTES,
    larger: undefined,
    charge(body: Buffer): Charge {
      const answer = readable ? readCallAnswer(body.toString('utf8'), isStream, call.terms) : undefined;
      return chargeFor(call, answer, isStream);
    },
  };
}

/** Whether an answer is an event stream. */
export function isEventStream(rawHeaders: readonly string[]): boolean {
  return /^text\/event-stream\b/i.test(fieldIn(rawHeaders, 'content-type')?.trim() ?? '');
}

/** What the body of an answer is, by its head. */
export function bodyKindOf(rawHeaders: readonly string[]): 'stream' | 'json' | 'other' {
  if (isEventStream(rawHeaders)) return 'stream';
  return /^[^;]*[/+]json\b/i.test(fieldIn(rawHeaders, 'content-type') ?? '') ? 'json' : 'other';
}

/** Whether a body has a content coding, so that it cannot be read as it is. */
export function isEncoded(rawHeaders: readonly string[]): boolean {
  const encoding = fieldIn(rawHeaders, 'content-encoding')?.trim();
  return encoding !== undefined && encoding.toLowerCase() !== 'identity';
}
