import type { Amount } from '../domain/amount.ts';
import type { AnswerHead, AnswerReader, AnswerReading, Charge, ChargeTold } from '../domain/answer-reader.ts';
import { fieldIn } from '../domain/flat-fields.ts';
import { type CallIds, type CallReceipt, type CallTerms, readCallAnswer } from './call-answer.ts';
import { errorAnswer } from './refusal-answer.ts';

/** Longest answer to a priced call, in bytes. It waits in memory until it is paid. */
export const MOST_ANSWER_BYTES = 8 * 1024 * 1024;

const NOT_ANSWERED = -32603;

/** What a priced call is charged by. */
export interface CallCharge {
  readonly terms: CallTerms;
  readonly amount: Amount;
  /** What a client is told of the charge. */
  readonly receiptOf: (told: ChargeTold) => CallReceipt | undefined;
}

/**
 * Reads the answer to a priced call before it is charged: what the server says did not work costs nothing. The result leaves
 * only when the money has moved, with the receipt in it.
 */
export function callReader({ terms, amount, receiptOf }: CallCharge): AnswerReader {
  return {
    begin(head: AnswerHead): AnswerReading {
      const isStream = isEventStream(head.rawHeaders);
      const readable = !isEncoded(head.rawHeaders);
      return {
        kind: 'whole',
        maxBytes: MOST_ANSWER_BYTES,
        larger: undefined,
        charge(body: Buffer): Charge {
          const answer = readable ? readCallAnswer(body.toString('utf8'), isStream, terms) : undefined;
          if (answer === undefined) return notAnswered(terms, isStream);
          const finish = (told: ChargeTold | undefined): Buffer =>
            Buffer.from(answer.write(told === undefined ? undefined : receiptOf(told)), 'utf8');
          return answer.succeeded
            ? { kind: 'charge', amount, finish }
            : { kind: 'release', reason: 'the call failed', finish };
        },
      };
    },
  };
}

/** Whether an answer is an event stream. */
export function isEventStream(rawHeaders: readonly string[]): boolean {
  return /^text\/event-stream\b/i.test(fieldIn(rawHeaders, 'content-type')?.trim() ?? '');
}

/** Whether a body is not to be read as it is. */
export function isEncoded(rawHeaders: readonly string[]): boolean {
  const encoding = fieldIn(rawHeaders, 'content-encoding')?.trim();
  return encoding !== undefined && encoding.toLowerCase() !== 'identity';
}

function notAnswered({ client }: CallIds, isStream: boolean): Charge {
  const message = JSON.stringify(errorAnswer(client, NOT_ANSWERED, 'The server did not answer this call.'));
  const text = isStream ? `data: ${message}\n\n` : message;
  return { kind: 'release', reason: 'the server did not answer the call', finish: () => Buffer.from(text, 'utf8') };
}
