import { GatewayError } from '../../domain/gateway-error.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Facilitator, Journal } from '../facilitator.ts';
import { type RelayedFault, relayFault, restoreFault } from './relayed-fault.ts';
import type { CallId, SettlerChannel, WorkerToSettler } from './settlement-channel.ts';

/**
 * How long a worker may take to write an attempt down, in milliseconds. Other workers' settlements wait in the same
 * queue, and a worker that hangs must not block them.
 */
const JOURNAL_MS = 15_000;

/** A worker's answer to an entry. */
type EntryAnswer =
  | { readonly kind: 'journaled' }
  | { readonly kind: 'refused'; readonly fault: RelayedFault }
  | { readonly kind: 'late' }
  | { readonly kind: 'gone' };

/**
 * Settles for one worker process, in the process that holds the keys. The worker writes each attempt down before it is
 * sent; if it ends after that, its settlement is finished without it.
 *
 * @param channel the channel to the worker; one call for each
 * @param facilitators by their names
 */
export function serveSettlements(channel: SettlerChannel, facilitators: ReadonlyMap<string, Facilitator>): void {
  const service = new SettlementService(channel, facilitators);
  channel.receive((message) => service.hear(message));
}

class SettlementService {
  readonly #channel: SettlerChannel;
  readonly #facilitators: ReadonlyMap<string, Facilitator>;
  readonly #looks = new Map<string, AbortController>();
  readonly #entries = new Map<number, (answer: EntryAnswer) => void>();
  #lastEntry = 0;

  constructor(channel: SettlerChannel, facilitators: ReadonlyMap<string, Facilitator>) {
    this.#channel = channel;
    this.#facilitators = facilitators;
    channel.gone.addEventListener('abort', () => {
      for (const answer of this.#entries.values()) answer({ kind: 'gone' });
      for (const look of this.#looks.values()) look.abort(new Error('the worker that asked is gone'));
    });
  }

  hear(message: WorkerToSettler): void {
    const id: CallId = { facilitator: message.facilitator, call: message.call };
    switch (message.kind) {
      case 'settle':
        void this.#answer(id, (facilitator) => facilitator.settle(message.payment, message.amount, this.#journal(id)));
        return;
      case 'resolve':
        void this.#look(id, message);
        return;
      case 'cancel':
        this.#looks.get(nameOf(id))?.abort(new Error('the worker that asked waits no longer'));
        return;
      case 'journaled':
      case 'refused':
        this.#entries.get(message.entry)?.(message);
    }
  }

  async #look(id: CallId, { open }: WorkerToSettler & { kind: 'resolve' }): Promise<void> {
    const controller = new AbortController();
    this.#looks.set(nameOf(id), controller);
    await this.#answer(id, (facilitator) => facilitator.resolve(open, controller.signal));
    this.#looks.delete(nameOf(id));
  }

  async #answer(id: CallId, act: (facilitator: Facilitator) => Promise<SettlementOutcome>): Promise<void> {
    try {
      const facilitator = this.#facilitators.get(id.facilitator);
      if (facilitator === undefined) {
        throw new GatewayError('facilitator_unreachable', { detail: 'The process that settles does not know it.' });
      }
      this.#channel.send({ kind: 'outcome', ...id, outcome: await act(facilitator) });
    } catch (fault) {
      this.#channel.send({ kind: 'fault', ...id, fault: relayFault(fault) });
    }
  }

  #journal(id: CallId): Journal {
    return async (attempt) => {
      const answer = await this.#ask(id, attempt);
      switch (answer.kind) {
        case 'journaled':
          return;
        case 'refused':
          throw restoreFault(answer.fault);
        case 'late':
          throw new GatewayError('facilitator_timeout', { detail: 'The settlement was not written down in time.' });
        case 'gone':
          throw new GatewayError('facilitator_unreachable', { detail: 'The worker that asked for it is gone.' });
      }
    };
  }

  async #ask(id: CallId, attempt: SettlementAttempt): Promise<EntryAnswer> {
    if (this.#channel.gone.aborted) return { kind: 'gone' };
    this.#lastEntry += 1;
    const entry = this.#lastEntry;
    const { promise, resolve } = Promise.withResolvers<EntryAnswer>();
    this.#entries.set(entry, resolve);
    const timer = setTimeout(() => resolve({ kind: 'late' }), JOURNAL_MS);
    this.#channel.send({ kind: 'journal', ...id, entry, attempt });
    const answer = await promise;
    clearTimeout(timer);
    this.#entries.delete(entry);
    return answer;
  }
}

function nameOf({ facilitator, call }: CallId): string {
  return `${call} ${facilitator}`;
}
