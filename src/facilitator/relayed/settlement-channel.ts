import type { Amount } from '../../domain/amount.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { OpenSettlement } from '../facilitator.ts';
import type { RelayedFault } from './relayed-fault.ts';

/**
 * One end of a channel between two processes of a gateway. Messages are copied (by structured clone, because amounts
 * are bigints) and arrive in order. A message that cannot be sent is lost, which happens once `gone` is aborted.
 */
export interface Channel<Out, In> {
  send(message: Out): void;
  /** Adds a listener for every message. Returns a function that removes it. */
  receive(listener: (message: In) => void): () => void;
  /** Aborted when the other process has ended. */
  readonly gone: AbortSignal;
}

/**
 * The call of a facilitator that a message belongs to. The worker numbers the calls; a channel uses no number twice.
 */
export interface CallId {
  readonly facilitator: string;
  readonly call: number;
}

/** Messages of a worker to the process that holds the settlement keys. */
export type WorkerToSettler = CallId &
  (
    | { readonly kind: 'settle'; readonly payment: Payment; readonly amount: Amount }
    | { readonly kind: 'resolve'; readonly open: OpenSettlement }
    /** The answer to `resolve` is no longer waited for. */
    | { readonly kind: 'cancel' }
    /** The attempt is written down durably: it may be sent. */
    | { readonly kind: 'journaled'; readonly entry: number }
    /** The attempt is not written down, and must not be sent. */
    | { readonly kind: 'refused'; readonly entry: number; readonly fault: RelayedFault }
  );

/** Messages of the process that holds the settlement keys to a worker. */
export type SettlerToWorker = CallId &
  (
    | { readonly kind: 'journal'; readonly entry: number; readonly attempt: SettlementAttempt }
    | { readonly kind: 'outcome'; readonly outcome: SettlementOutcome }
    | { readonly kind: 'fault'; readonly fault: RelayedFault }
  );

/** The worker's end. */
export type WorkerChannel = Channel<WorkerToSettler, SettlerToWorker>;

/** The end of the process that holds the settlement keys. */
export type SettlerChannel = Channel<SettlerToWorker, WorkerToSettler>;
