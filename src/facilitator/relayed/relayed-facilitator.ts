import type { Amount } from '../../domain/amount.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import { InFlight } from '../../domain/in-flight.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { SupportedKind } from '../../domain/x402.ts';
import type { Facilitator, ForeignTransfer, Journal, OpenSettlement, Verification } from '../facilitator.ts';
import { type RelayedFault, relayFault, restoreFault } from './relayed-fault.ts';
import type { SettlerToWorker, WorkerChannel } from './settlement-channel.ts';

/** Options of a relayed facilitator. */
export interface RelayOptions {
  /**
   * How long a settlement may take before its outcome counts as unknown, in milliseconds. It is longer than the
   * facilitator itself takes, so that only the wait for a process that hangs is ended.
   */
  readonly settleWithinMs: number;
  /** The facilitator's name on the channel. Default: its own name. */
  readonly id?: string;
}

/** The result of a call; `silent` when the other process is gone or takes too long. */
type Answer =
  | { readonly kind: 'outcome'; readonly outcome: SettlementOutcome }
  | { readonly kind: 'fault'; readonly fault: RelayedFault }
  | { readonly kind: 'silent' };

/** One call that waits for its answer. */
interface Call {
  readonly journal: Journal | undefined;
  readonly answer: (answer: Answer) => void;
  /** Entries that are being written down; never rejects. */
  writing: Promise<void>;
  /** Why the last entry was not written down. */
  refusal: { readonly fault: unknown } | undefined;
}

/**
 * A facilitator of a worker process: checks payments here, and has them settled by the one process that holds the key.
 * Two processes that send with one key would give out the same account nonces.
 *
 * @param inner asked by `supported`, `verify` and `findForeign`, and closed with this one; never asked to settle
 * @example
 * const facilitator = openRelayedFacilitator(openLocalFacilitator(spec), channel, { settleWithinMs: 90_000 });
 */
export function openRelayedFacilitator(inner: Facilitator, channel: WorkerChannel, options: RelayOptions): Facilitator {
  return new RelayedFacilitator(inner, channel, options);
}

/** The last call number on each channel: a new facilitator must not take a late answer to one that was closed. */
const LAST_CALLS = new WeakMap<WorkerChannel, number>();

class RelayedFacilitator implements Facilitator {
  readonly name: string;
  readonly #inner: Facilitator;
  readonly #channel: WorkerChannel;
  readonly #settleWithinMs: number;
  readonly #id: string;
  readonly #calls = new Map<number, Call>();
  readonly #settling = new InFlight<Promise<SettlementOutcome>>();
  readonly #hangUp: () => void;
  #closing: Promise<void> | undefined;

  constructor(inner: Facilitator, channel: WorkerChannel, { settleWithinMs, id = inner.name }: RelayOptions) {
    this.name = inner.name;
    this.#inner = inner;
    this.#channel = channel;
    this.#settleWithinMs = settleWithinMs;
    this.#id = id;
    this.#hangUp = channel.receive((message) => {
      if (message.facilitator === this.#id) this.#hear(message);
    });
    channel.gone.addEventListener('abort', this.#giveUp);
  }

  supported(signal: AbortSignal): Promise<readonly SupportedKind[]> {
    return this.#inner.supported(signal);
  }

  verify(payment: Payment, signal: AbortSignal): Promise<Verification> {
    return this.#inner.verify(payment, signal);
  }

  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    return (await this.#inner.findForeign?.(payment, signal)) ?? { kind: 'unseen' };
  }

  async settle(payment: Payment, amount: Amount, journal: Journal): Promise<SettlementOutcome> {
    // The other process is gone, or this facilitator closes, before the request: nothing was sent.
    if (this.#closing !== undefined || this.#channel.gone.aborted) throw new GatewayError('shutting_down');
    const settling = this.#settle(payment, amount, journal);
    const entry = this.#settling.add(settling);
    try {
      return await settling;
    } finally {
      this.#settling.remove(entry);
    }
  }

  async resolve(open: OpenSettlement, signal: AbortSignal): Promise<SettlementOutcome> {
    if (this.#closing !== undefined) throw new GatewayError('shutting_down');
    if (signal.aborted) throw new GatewayError('facilitator_timeout', { cause: signal.reason });
    if (this.#channel.gone.aborted) throw unreachable();
    const { id, call, answered } = this.#open(undefined);
    const giveUp = (): void => {
      this.#channel.send({ kind: 'cancel', ...id });
      call.answer({ kind: 'silent' });
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#channel.send({ kind: 'resolve', ...id, open });
    const answer = await answered;
    signal.removeEventListener('abort', giveUp);
    switch (answer.kind) {
      case 'outcome':
        return answer.outcome;
      case 'fault':
        throw restoreFault(answer.fault);
      case 'silent':
        throw signal.aborted ? new GatewayError('facilitator_timeout', { cause: signal.reason }) : unreachable();
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#finish();
    await this.#closing;
  }

  async #settle(payment: Payment, amount: Amount, journal: Journal): Promise<SettlementOutcome> {
    const { id, call, answered } = this.#open(journal);
    const timer = setTimeout(() => call.answer({ kind: 'silent' }), this.#settleWithinMs);
    this.#channel.send({ kind: 'settle', ...id, payment, amount });
    const answer = await answered;
    clearTimeout(timer);
    // A ledger step that is still running would collide with the caller's next step.
    await call.writing;
    switch (answer.kind) {
      case 'outcome':
        return answer.outcome;
      case 'fault':
        // The caller gets the reason that its journal gave, not a copy of it.
        throw call.refusal === undefined ? restoreFault(answer.fault) : call.refusal.fault;
      case 'silent':
        if (call.refusal !== undefined) throw call.refusal.fault;
        return { kind: 'unknown', reason: 'settlement_process_silent' };
    }
  }

  /** Begins a call. Once it is answered, no further entry is written for it. */
  #open(journal: Journal | undefined) {
    const number = (LAST_CALLS.get(this.#channel) ?? 0) + 1;
    LAST_CALLS.set(this.#channel, number);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const answer = (given: Answer): void => {
      this.#calls.delete(number);
      resolve(given);
    };
    const call: Call = { journal, answer, writing: Promise.resolve(), refusal: undefined };
    this.#calls.set(number, call);
    return { id: { facilitator: this.#id, call: number }, call, answered: promise };
  }

  #hear(message: SettlerToWorker): void {
    const call = this.#calls.get(message.call);
    switch (message.kind) {
      case 'journal':
        if (call === undefined) this.#refuse(message, new GatewayError('payment_in_progress'));
        else call.writing = call.writing.then(() => this.#write(call, message));
        return;
      case 'outcome':
      case 'fault':
        call?.answer(message);
    }
  }

  async #write(call: Call, message: SettlerToWorker & { kind: 'journal' }): Promise<void> {
    try {
      if (call.journal === undefined) throw new Error('finding out about a settlement does not journal');
      await call.journal(message.attempt);
    } catch (fault) {
      call.refusal = { fault };
      this.#refuse(message, fault);
      return;
    }
    const { facilitator, call: number, entry } = message;
    this.#channel.send({ kind: 'journaled', facilitator, call: number, entry });
  }

  #refuse({ facilitator, call, entry }: SettlerToWorker & { kind: 'journal' }, fault: unknown): void {
    this.#channel.send({ kind: 'refused', facilitator, call, entry, fault: relayFault(fault) });
  }

  readonly #giveUp = (): void => {
    for (const call of this.#calls.values()) call.answer({ kind: 'silent' });
  };

  async #finish(): Promise<void> {
    await Promise.allSettled(this.#settling.values);
    this.#giveUp();
    this.#channel.gone.removeEventListener('abort', this.#giveUp);
    // A listener that stays would refuse entries that the next facilitator is about to write down.
    this.#hangUp();
    await this.#inner.close();
  }
}

function unreachable(): GatewayError {
  return new GatewayError('facilitator_unreachable', { detail: 'The process that settles is gone.' });
}
