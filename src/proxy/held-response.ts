import type { AnswerOutlet } from './answer-outlet.ts';
import { BodyAhead } from './body-ahead.ts';
import { type AnswerSource, ClientRelay, type CutKind } from './client-relay.ts';
import type { PaymentFields } from './headers/payment-fields.ts';
import type { Passage } from './passage.ts';
import { ClientGoneError, UpstreamSilenceError } from './upstream-fault.ts';
import type { BodyRoom, Collected, RelayOutcome, UpstreamResponse } from './upstream-response.ts';

/** The exchange that a response came from. */
export interface ResponseSource {
  /** Why it cannot go on, if it cannot. */
  readonly failure: Error | undefined;
  /** Whether the whole response has arrived. */
  readonly ended: boolean;
  /** Whether it learns of the client's departure on its own. */
  readonly hearsOfDeparture: boolean;
  /** Flat list, latin1. */
  trailers(): readonly string[];
  /** More of the body may arrive: its beginning, or more after the client has taken some. */
  flow(after: 'hold' | 'taking'): void;
  /** The body waits. */
  hold(): void;
  /** Ends the exchange in any state. */
  fail(error: Error): void;
  /** The response is over. */
  closed(): void;
}

/** The head of a response. */
export type ResponseHead = Pick<UpstreamResponse, 'status' | 'statusText' | 'rawHeaders'>;

/** A response whose head has arrived: held, read ahead up to a limit, then relayed or dropped. */
export class HeldResponse implements UpstreamResponse, AnswerSource {
  readonly status: number;
  readonly statusText: string;
  readonly rawHeaders: string[];
  readonly #source: ResponseSource;
  readonly #fields: PaymentFields;
  #state: 'held' | 'collecting' | 'relaying' | 'done' = 'held';
  #ahead: BodyAhead | undefined;
  #relay: ClientRelay | undefined;

  constructor({ status, statusText, rawHeaders }: ResponseHead, source: ResponseSource, fields: PaymentFields) {
    this.status = status;
    this.statusText = statusText;
    this.rawHeaders = rawHeaders;
    this.#source = source;
    this.#fields = fields;
  }

  get broken(): boolean {
    return this.#source.failure !== undefined;
  }

  /** A part of the body has arrived; `false` when no more may come for now. */
  take(chunk: Buffer): boolean {
    if (this.#state === 'relaying') return this.#relay?.write(chunk) !== false;
    if (this.#state === 'done') return true;
    this.#ahead ??= new BodyAhead();
    if (this.#ahead.take(chunk)) return true;
    if (this.#state === 'collecting') this.#endCollecting('larger');
    return false;
  }

  /** All of the response has arrived. */
  end(): void {
    if (this.#state === 'relaying') this.#relay?.end(this.#source.trailers());
    else if (this.#state === 'collecting') this.#endCollecting('whole');
  }

  /** The exchange has failed. */
  breakOff(): void {
    if (this.#state === 'relaying') this.#relay?.cut(this.#cutKind);
    else if (this.#state === 'collecting') this.#endCollecting('broke');
  }

  get #cutKind(): CutKind {
    return this.#source.failure instanceof ClientGoneError ? 'client_gone' : 'upstream_broke';
  }

  collect(maxBytes: number, room?: BodyRoom): Promise<Collected> {
    if (this.#state !== 'held') throw new Error(`a response that is ${this.#state} cannot be collected`);
    this.#ahead ??= new BodyAhead();
    const collected = this.#ahead.collect(maxBytes, room);
    this.#state = 'collecting';
    if (this.broken) this.#endCollecting('broke');
    else if (this.#ahead.isFull) this.#endCollecting('larger');
    else if (this.#source.ended) this.#endCollecting('whole');
    else this.#source.flow('hold');
    return collected;
  }

  #endCollecting(kind: Collected['kind']): void {
    this.#state = 'held';
    this.#source.hold();
    this.#ahead?.end(kind, this.#source.failure instanceof UpstreamSilenceError);
  }

  relay(res: AnswerOutlet, passage?: Passage): Promise<RelayOutcome> {
    if (this.#state !== 'held') throw new Error(`a response that is ${this.#state} cannot be relayed`);
    this.#state = 'relaying';
    const relay = new ClientRelay(res, this, this.#fields, passage);
    this.#relay = relay;
    if (!this.broken && res.destroyed) this.#source.fail(new ClientGoneError());
    else if (this.broken) relay.writePart(this.#ahead, this.#cutKind);
    else this.#pump(relay);
    return relay.outcome;
  }

  #pump(relay: ClientRelay): void {
    const source = this.#source;
    relay.watch(source.hearsOfDeparture);
    const ahead = this.#ahead;
    this.#ahead = undefined;
    // Most responses have ended before their body is asked for.
    if (source.ended) {
      relay.end(source.trailers(), ahead);
      return;
    }
    relay.begin(ahead);
    source.flow('hold');
    // What had arrived went out together with the head.
    if (this.#state === 'relaying' && !source.ended) relay.showHead();
  }

  discard(): void {
    if (this.#state === 'done') return;
    if (this.#state === 'collecting') this.#endCollecting('broke');
    this.#state = 'done';
    this.#source.fail(new Error('the response was discarded'));
  }

  cut(why: Error): void {
    if (this.#state === 'relaying') this.#source.fail(why);
  }

  goOn(): void {
    this.#source.flow('taking');
  }

  giveUp(): void {
    this.#source.fail(new ClientGoneError());
  }

  withhold(fault: Error): void {
    this.#source.fail(fault);
  }

  relayed(): void {
    this.#state = 'done';
    this.#source.closed();
  }
}
