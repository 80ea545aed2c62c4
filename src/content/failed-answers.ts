import type { AnswerHead, AnswerReader, AnswerReaders, AnswerReading, Charge } from '../domain/answer-reader.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { When } from '../domain/when.ts';
import { bodyFact } from './body-facts.ts';
import { passes } from './fact.ts';
import { type JsonFacts, readJson } from './json-reader.ts';
import { NO_POINTERS, type PointerTree, pointerTree } from './pointer-tree.ts';

/** Longest answer that is read, in bytes. An answer that reports a failure is short. */
const MOST_BYTES = 1024 * 1024;

/** Media types of one JSON value. Lists of values and streams of events are excluded: they are not held back. */
const JSON_TYPE = /^\s*(?:application|text)\/(?:[^\s;,]*[+.])?json(?:-rpc|request)?\s*(?:;|$)/i;

/**
 * Leaves calls uncharged whose answers report in their JSON that they failed (`charge: { unlessJson }`).
 *
 * The answer is read whole before the money is asked for; nothing of it has gone out by then. A crash meanwhile leaves
 * `forwarding`, which recovery releases. The payment of a failed answer is released before the answer goes out; any
 * other is charged like one that is not read.
 *
 * In doubt the call is charged, because the seller writes the answer: where the body is not declared as JSON, is
 * compressed although that was not asked for, is longer than 1 MB, or is ambiguous in a way for which a request's body
 * is refused.
 */
export function failedAnswers(): AnswerReaders {
  const readers = new WeakMap<When, FailedAnswers>();
  return {
    readerOf({ price: { charge, metering }, offer }): AnswerReader | undefined {
      const { unlessJson } = charge;
      if (unlessJson.length === 0 || metering !== undefined) return undefined;
      const rule = readers.get(unlessJson) ?? new FailedAnswers(unlessJson);
      readers.set(unlessJson, rule);
      return rule.readerFor(offer);
    },
  };
}

/** The rule of one price. */
class FailedAnswers {
  readonly #when: When;
  readonly #pointers: PointerTree;

  constructor(when: When) {
    this.#when = when;
    this.#pointers = pointerTree(when.flatMap(({ subject }) => (subject.kind === 'json' ? [subject.pointer] : [])));
  }

  readerFor({ amount }: Offer): AnswerReader {
    let calls: number | undefined;
    const charge = (body: Buffer): Charge =>
      this.#hasFailed(body, calls)
        ? { kind: 'release', reason: 'the answer says that the call failed' }
        : { kind: 'charge', amount };
    const see = (body: Buffer): void => {
      calls = callsIn(body);
    };
    return {
      request: { plain: true, rewrite: undefined, see },
      allOrNothing: true,
      begin: (head): AnswerReading =>
        isPlainJson(head)
          ? { kind: 'whole', maxBytes: MOST_BYTES, charge, larger: { kind: 'unread' } }
          : { kind: 'unread' },
    };
  }

  /**
   * Whether a body reports a failure. A list does where each of its items does, and there is one for each call: a batch
   * that failed in part is charged, and a call without an id (a notification of JSON-RPC) runs without an answer.
   *
   * @param calls the calls of the request; `undefined` where they are not known
   */
  #hasFailed(body: Buffer, calls: number | undefined): boolean {
    try {
      const { facts, items } = readJson(body, this.#pointers, true);
      if (items === undefined) return this.#fits(facts);
      if (calls === undefined || items.length === 0 || items.length < calls) return false;
      return items.every((item) => this.#fits(item));
    } catch (fault) {
      if (fault instanceof GatewayError) return false;
      throw fault;
    }
  }

  #fits(facts: JsonFacts): boolean {
    return this.#when.every(
      ({ subject, test }) => subject.kind === 'json' && passes(test, bodyFact(subject, facts), subject),
    );
  }
}

/** How many calls a request's body holds; `undefined` where it has no single reading. */
function callsIn(body: Buffer): number | undefined {
  try {
    return readJson(body, NO_POINTERS, true).items?.length ?? 1;
  } catch (fault) {
    if (fault instanceof GatewayError) return undefined;
    throw fault;
  }
}

/** Whether a body is declared as one JSON value, once, and is not compressed. */
function isPlainJson({ rawHeaders }: AnswerHead): boolean {
  const types: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    if (name === 'content-type') types.push(value);
    if (name === 'content-encoding' && value.trim().toLowerCase() !== 'identity') return false;
  }
  const [type, ...others] = types;
  return type !== undefined && others.length === 0 && JSON_TYPE.test(type);
}
