import type { Amount } from '../domain/amount.ts';
import type { Charge, ChargeTold } from '../domain/answer-reader.ts';
import type { CallAnswer, CallIds, CallReceipt, CallTerms } from './call-answer.ts';
import { errorAnswer } from './refusal-answer.ts';

/** Longest answer to a priced call, in bytes. It waits in memory until it is paid. */
export const MOST_ANSWER_BYTES = 8 * 1024 * 1024;

const NOT_ANSWERED = -32603;

/** What a priced call is charged by. */
export interface CallCharge {
  readonly terms: CallTerms;
  readonly amount: Amount;
  /** The client's receipt of the charge. */
  readonly receiptOf: (told: ChargeTold) => CallReceipt | undefined;
}

/**
 * What a call costs: the amount if it did its work, with the receipt in its answer; nothing if it failed, asks for input
 * or has no answer. Its payment then pays for the next call, such as the one with the input.
 */
export function chargeFor(
  { terms, amount, receiptOf }: CallCharge,
  answer: CallAnswer | undefined,
  isStream: boolean,
): Charge {
  if (answer === undefined) return notAnswered(terms, isStream);
  const finish = (told: ChargeTold | undefined): Buffer => Buffer.from(answer.write(told && receiptOf(told)), 'utf8');
  switch (answer.end) {
    case 'done':
      return { kind: 'charge', amount, finish };
    case 'failed':
      return { kind: 'release', reason: 'the call failed', finish };
    case 'asks':
      return { kind: 'release', reason: 'the call asks for input', finish };
  }
}

/** The charge of a call without an answer: nothing, and its client is told. */
export function notAnswered({ client }: CallIds, isStream: boolean): Charge {
  const message = JSON.stringify(errorAnswer(client, NOT_ANSWERED, 'The server did not answer this call.'));
  const text = isStream ? `data: ${message}\n\n` : message;
  return { kind: 'release', reason: 'the server did not answer the call', finish: () => Buffer.from(text, 'utf8') };
}
