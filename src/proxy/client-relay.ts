import type { AnswerOutlet } from './answer-outlet.ts';
import type { BodyAhead } from './body-ahead.ts';
import type { PaymentFields } from './headers/payment-fields.ts';
import { relayTrailers } from './headers/to-client.ts';
import type { Passage } from './passage.ts';
import { CLIENT_STALL_MS } from './stream-limits.ts';
import type { RelayOutcome } from './upstream-response.ts';

/** Longest body that is copied to travel in one piece with its head, in bytes. */
const MOST_IN_ONE_PIECE = 16 * 1024;

/** Which side caused an answer to be cut. */
export type CutKind = Exclude<RelayOutcome['kind'], 'complete'>;

/** The source of a relayed answer. */
export interface AnswerSource {
  /** The client has taken what was waiting for it. */
  goOn(): void;
  /** The client has left, or does not take what it is sent. */
  giveUp(): void;
  /** The passage of the body failed: nothing more may go out. */
  withhold(fault: Error): void;
  /** Nothing more is written to the client. */
  relayed(): void;
}

/** An answer on its way to a client, after its head: body, trailers and end. */
export class ClientRelay {
  readonly #res: AnswerOutlet;
  readonly #source: AnswerSource;
  readonly #fields: PaymentFields;
  /** Changes the body on its way. */
  readonly #passage: Passage | undefined;
  readonly #outcome = Promise.withResolvers<RelayOutcome>();
  #bytes = 0;
  #isOver = false;
  #takingTimer: NodeJS.Timeout | undefined;

  constructor(res: AnswerOutlet, source: AnswerSource, fields: PaymentFields, passage?: Passage) {
    this.#res = res;
    this.#source = source;
    this.#fields = fields;
    this.#passage = passage;
  }

  /** How it ended. */
  get outcome(): Promise<RelayOutcome> {
    return this.#outcome.promise;
  }

  /** Follows the response. `hearsOfDeparture`: another listener reports the client's departure already. */
  watch(hearsOfDeparture: boolean): void {
    const res = this.#res;
    res.on('finish', () => this.#settle({ kind: 'complete', bytes: this.#bytes }));
    if (hearsOfDeparture) return;
    res.on('close', () => {
      if (!this.#isOver) this.#source.giveUp();
    });
  }

  /** Writes what was read ahead of an answer that goes on. */
  begin(ahead: BodyAhead | undefined): void {
    this.#bytes = ahead?.bytes ?? 0;
    this.#res.on('drain', () => {
      clearTimeout(this.#takingTimer);
      if (!this.#isOver) this.#source.goOn();
    });
    for (const chunk of ahead?.chunks ?? []) this.#send(chunk);
  }

  /** Sends the head of an answer that has no body yet, such as a silent event stream. */
  showHead(): void {
    if (this.#isOver || this.#passage?.waits === true) return;
    if (this.#bytes === 0 || this.#passage !== undefined) this.#res.flushHeaders();
  }

  /** Writes a chunk; `false` when the client has to take it before more may come. */
  write(chunk: Buffer): boolean {
    const res = this.#res;
    if (res.destroyed) return true;
    this.#bytes += chunk.length;
    if (this.#send(chunk)) return true;
    this.#watchTaking();
    return false;
  }

  /** Writes the part of a chunk that may go out; returns whether the client takes more. */
  #send(chunk: Buffer): boolean {
    if (this.#passage === undefined) return this.#res.write(chunk);
    let flows = true;
    try {
      for (const part of this.#passage.pass(chunk)) flows = this.#res.write(part);
    } catch (fault) {
      this.#source.withhold(faultFrom(fault));
    }
    return flows;
  }

  /**
   * Ends the answer.
   *
   * @param trailers flat list, latin1
   * @param ahead what was not written yet: the whole body
   */
  end(trailers: readonly string[], ahead?: BodyAhead): void {
    if (this.#res.destroyed) return;
    if (ahead !== undefined) this.#bytes = ahead.bytes;
    if (this.#passage === undefined) this.#finish(trailers, ahead?.whole());
    else void this.#endThrough(this.#passage, trailers, ahead?.whole());
  }

  async #endThrough(passage: Passage, trailers: readonly string[], body: Buffer | undefined): Promise<void> {
    if (body !== undefined) this.#send(body);
    try {
      const last = await passage.end();
      if (this.#isOver || this.#res.destroyed) return;
      if (last.trailers.length > 0) this.#res.addTrailers(last.trailers);
      const { before = [], bytes } = last;
      for (const piece of before) this.#res.write(piece);
      this.#finish(trailers, bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch (fault) {
      this.#source.withhold(faultFrom(fault));
    }
  }

  #finish(trailers: readonly string[], body: Buffer | undefined): void {
    const res = this.#res;
    if (trailers.length > 0) res.addTrailers(relayTrailers(trailers, this.#fields));
    // Text goes into one piece with the head, which takes one write; latin1 keeps its bytes as they are.
    if (body === undefined) res.end();
    else if (body.length > MOST_IN_ONE_PIECE) res.end(body);
    else res.end(body.toString('latin1'), 'latin1');
    // The operating system has taken most answers by now.
    if (res.writableLength > 0) this.#watchTaking();
    else clearTimeout(this.#takingTimer);
  }

  /** Writes an answer that broke off while it was held: the client sees its length, and that it was cut. */
  writePart(ahead: BodyAhead | undefined, kind: CutKind): void {
    const res = this.#res;
    res.flushHeaders();
    for (const chunk of ahead?.chunks ?? []) this.#send(chunk);
    // Node writes at the end of the turn.
    setImmediate(() => this.cut(kind));
  }

  /** Ends the client's response so that the client sees that it was cut off. */
  cut(kind: CutKind): void {
    const res = this.#res;
    // A response to HTTP/1.0 ends with its connection: only a reset tells a cut from an end.
    if (res.req.httpVersionMinor === 0) res.socket?.resetAndDestroy();
    res.destroy();
    this.#settle({ kind });
  }

  /** Cuts off a client that does not take what is waiting for it. A silent event stream has nothing waiting. */
  #watchTaking(): void {
    if (this.#isOver) return;
    clearTimeout(this.#takingTimer);
    this.#takingTimer = setTimeout(onUntaken, CLIENT_STALL_MS, this.#source);
  }

  #settle(outcome: RelayOutcome): void {
    this.#isOver = true;
    clearTimeout(this.#takingTimer);
    this.#source.relayed();
    this.#outcome.resolve(outcome);
  }
}

function faultFrom(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error('an answer was withheld', { cause: fault });
}

function onUntaken(source: AnswerSource): void {
  source.giveUp();
}
