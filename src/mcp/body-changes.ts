import { NOTHING } from '../domain/amount.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { type CallTerms, readCallAnswer } from './call-answer.ts';
import { CallStream } from './call-stream.ts';
import { annotateTools, type ToolNotes } from './tool-list.ts';
import { UnpaidResults } from './unpaid-results.ts';

/** Changes the body of an answer while it passes. */
export interface BodyChange {
  /** Takes the next bytes; returns what may go out. */
  pass(chunk: Buffer): readonly Buffer[];
  /** What still goes out at the end. */
  end(): Buffer;
}

/** Largest body that is held to be changed, in bytes. A larger one passes as it is. */
const MOST_HELD = 8 * 1024 * 1024;

/** Holds a body, and sends what becomes of it. */
class WholeBody implements BodyChange {
  readonly #change: (body: string) => string | undefined;
  #chunks: Buffer[] = [];
  #size = 0;

  /** @param change returns `undefined` for a body that stays as it is */
  constructor(change: (body: string) => string | undefined) {
    this.#change = change;
  }

  pass(chunk: Buffer): readonly Buffer[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= MOST_HELD) return [];
    const all = this.#chunks;
    this.#chunks = [];
    return all;
  }

  end(): Buffer {
    const body = Buffer.concat(this.#chunks);
    if (this.#size > MOST_HELD) return body;
    const changed = this.#change(body.toString('utf8'));
    return changed === undefined ? body : Buffer.from(changed, 'utf8');
  }
}

/** The stream that answers a call which is paid for already, by a pass for instance: nothing but its id changes. */
class PaidStream implements BodyChange {
  readonly #answer: CallStream;

  constructor(terms: CallTerms) {
    this.#answer = new CallStream({ terms, amount: NOTHING, receiptOf: () => undefined });
  }

  pass(chunk: Buffer): readonly Buffer[] {
    const free = this.#answer.pass(chunk);
    if (this.#answer.heldBytes > this.#answer.maxBytes) {
      throw new GatewayError('upstream_invalid_answer', { detail: 'The result is too large.' });
    }
    return free.map((part) => Buffer.from(part));
  }

  end(): Buffer {
    return Buffer.from(this.#answer.charge().finish?.(undefined) ?? []);
  }
}

/** One change after the other. */
class InTurn implements BodyChange {
  readonly #first: BodyChange;
  readonly #second: BodyChange;

  constructor(first: BodyChange, second: BodyChange) {
    this.#first = first;
    this.#second = second;
  }

  pass(chunk: Buffer): readonly Buffer[] {
    return this.#first.pass(chunk).flatMap((part) => this.#second.pass(part));
  }

  end(): Buffer {
    const last = this.#first.end();
    return Buffer.concat([...this.#second.pass(last), this.#second.end()]);
  }
}

/** Writes prices into a list of tools. A stream is looked through for results of priced calls as any other. */
export function pricesInTools(isStream: boolean, notes: ToolNotes): BodyChange {
  const prices = new WholeBody((body) => annotateTools(body, isStream, notes));
  return isStream ? new InTurn(new UnpaidResults(), prices) : prices;
}

/** Gives the answer to a call that is paid for already the id that its client knows. */
export function clientId(isStream: boolean, terms: CallTerms): BodyChange {
  return isStream
    ? new PaidStream(terms)
    : new WholeBody((body) => readCallAnswer(body, false, terms)?.write(undefined));
}

/** Takes results of priced calls out of a stream that nobody paid for. */
export function withoutPaidResults(): BodyChange {
  return new UnpaidResults();
}
