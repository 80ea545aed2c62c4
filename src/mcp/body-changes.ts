import { GatewayError } from '../domain/gateway-error.ts';
import { type BodyChange, joined, MOST_HELD_BYTES } from './body-change.ts';
import { type CallTerms, parsed, readCallAnswer } from './call-answer.ts';
import { MOST_ANSWER_BYTES, notAnswered } from './call-charge.ts';
import { isSaid } from './call-stream.ts';
import { EventSplitter, type StreamEvent } from './event-stream.ts';
import type { RpcId } from './message.ts';
import type { ToolNotes } from './tool-list.ts';
import { ToolPrices } from './tool-prices.ts';
import { UnpaidAnswer } from './unpaid-answer.ts';
import { UnpaidResults } from './unpaid-results.ts';

/** The form of a body: a stream of messages, one message, or no message that a client of MCP reads. */
export type AnswerBody = 'stream' | 'json' | 'other';

/** Holds a body, and sends its changed form. */
class WholeBody implements BodyChange {
  readonly waits = true;
  readonly #change: (body: Buffer) => Buffer | undefined;
  #chunks: Buffer[] = [];
  #size = 0;

  /** @param change returns `undefined` for a body that stays as it is */
  constructor(change: (body: Buffer) => Buffer | undefined) {
    this.#change = change;
  }

  pass(chunk: Buffer): readonly Buffer[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= MOST_HELD_BYTES) return [];
    const all = this.#chunks;
    this.#chunks = [];
    return all;
  }

  end(): readonly Buffer[] {
    if (this.#size > MOST_HELD_BYTES) return this.#chunks;
    const body = joined(this.#chunks);
    return [this.#change(body) ?? body];
  }
}

/**
 * The stream that answers a call which is already paid, for example by a pass: no event is held. The answer gets the
 * client's own id, and answers to other calls are left out.
 */
class PaidStream implements BodyChange {
  readonly waits = false;
  readonly #terms: CallTerms;
  readonly #events = new EventSplitter();
  #isAnswered = false;

  constructor(terms: CallTerms) {
    this.#terms = terms;
  }

  pass(chunk: Buffer): readonly Buffer[] {
    const out = this.#events.push(chunk.toString('latin1')).flatMap((event) => this.#told(event));
    if (this.#events.length > MOST_ANSWER_BYTES) {
      throw new GatewayError('upstream_invalid_answer', { detail: 'The result is too large.' });
    }
    return out;
  }

  end(): readonly Buffer[] {
    return this.#isAnswered ? [] : [Buffer.from(notAnswered(this.#terms, true).finish?.(undefined) ?? [])];
  }

  #told({ raw, data, isPlain }: StreamEvent): readonly Buffer[] {
    if (isPlain && (data === undefined || isSaid(parsed(data)))) return [Buffer.from(raw, 'latin1')];
    if (this.#isAnswered) return [];
    const answer = readCallAnswer(Buffer.from(raw, 'latin1').toString('utf8'), true, this.#terms);
    if (answer === undefined) return [];
    this.#isAnswered = true;
    return [Buffer.from(answer.write(undefined), 'utf8')];
  }
}

/** Writes prices into a list of tools. */
export function pricesInTools(form: AnswerBody, notes: ToolNotes, id: RpcId | undefined): BodyChange {
  const isStream = form === 'stream';
  return new ToolPrices(isStream ? new UnpaidResults() : new UnpaidAnswer(id), isStream, notes);
}

/** Gives the answer to an already paid call the client's own id. */
export function clientId(form: AnswerBody, terms: CallTerms): BodyChange {
  return form === 'stream'
    ? new PaidStream(terms)
    : new WholeBody((body) => {
        const told = readCallAnswer(body.toString('utf8'), false, terms)?.write(undefined);
        return told === undefined ? undefined : Buffer.from(told, 'utf8');
      });
}

/**
 * Removes results of priced calls from an answer that is not paid for.
 *
 * @param id of the message that is answered
 */
export function withoutPaidResults(form: AnswerBody, id: RpcId | undefined): BodyChange | undefined {
  switch (form) {
    case 'stream':
      return new UnpaidResults();
    case 'json':
      return new UnpaidAnswer(id);
    case 'other':
      return undefined;
  }
}
