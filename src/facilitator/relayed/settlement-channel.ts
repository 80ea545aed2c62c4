import type { Amount } from '../../domain/amount.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { OpenSettlement } from '../facilitator.ts';
import type { RelayedFault } from './relayed-fault.ts';

/**
 * One end of a line between two processes of a gateway. Messages are copied (amounts are bigints, so by structured
 * clone) and arrive in order. What cannot be sent is lost; `gone` tells.
 */
export interface Channel<Out, In> {
  send(message: Out): void;
  /** Adds a listener; all of them hear every message. Returns what takes it off again. */
  receive(listener: (message: In) => void): () => void;
  /** Aborted when the other process has ended. */
  readonly gone: AbortSignal;
}

/** Which call of which facilitator a message belongs to. Calls are numbered by the worker; on one line no number comes twice. */
export interface CallId {
  readonly facilitator: string;
  readonly call: number;
}

/** What a worker tells the process that holds the settlement keys. */
export type WorkerToSettler = CallId &
  (
    | { readonly kind: 'settle'; readonly payment: Payment; readonly amount: Amount }
    | { readonly kind: 'resolve'; readonly open: OpenSettlement }
    /** Nobody waits for the answer to `resolve` any more. */
    | { readonly kind: 'cancel' }
    /** The attempt is written down durably: it may be sent. */
    | { readonly kind: 'journaled'; readonly entry: number }
    /** The attempt is not written down, and must not be sent. */
    | { readonly kind: 'refused'; readonly entry: number; readonly fault: RelayedFault }
  );

/** What the process that holds the settlement keys tells a worker. */
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
