import type { Amount } from '../domain/amount.ts';
import type { PaymentKey } from '../domain/payment.ts';
import type { PaymentClaim, PaymentRecord, SettlementAttempt } from '../domain/payment-record.ts';
import type { PaymentState } from '../domain/payment-state.ts';
import type { Settlement } from '../domain/settlement.ts';
import type { PaymentEventType } from '../domain/webhook.ts';

/** The result of a claim. */
export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly record: PaymentRecord }
  /**
   * The key is taken, or was: `record` says in which state. If `record.key` is another key, the identifier is taken.
   */
  | { readonly kind: 'held'; readonly record: PaymentRecord };

/** The result of a step. */
export type TransitionOutcome =
  | { readonly kind: 'moved'; readonly record: PaymentRecord }
  /** The row is not at the caller's epoch: the payment belongs to another holder now; do nothing for it. */
  | { readonly kind: 'stale'; readonly record: PaymentRecord | undefined };

/** The webhook event of a step. */
export interface News {
  readonly type: PaymentEventType;
  /** Ids of the receivers; at least one. */
  readonly hooks: readonly string[];
}

/** A step of the payment state machine, with the facts that it adds to the row. Absent facts stay as they are. */
export interface Transition {
  readonly to: PaymentState;
  /** The process that holds the payment from now on; set by a process that takes up what another one left. */
  readonly owner?: string;
  readonly settlement?: Settlement;
  /** The amount that is about to be asked for. The first one of a claim stays: later steps do not change it. */
  readonly asked?: Amount;
  /** {@link PaymentRecord.usage}, set with `asked`; the first one stays likewise. */
  readonly usage?: string;
  readonly attempt?: SettlementAttempt;
  /** The facilitator that is about to settle, where it is not the one that verified. */
  readonly facilitator?: string;
  readonly bodyDigest?: string;
  readonly answered?: true;
  readonly leftEarly?: true;
  /** The reason for the step; a step without one clears it. */
  readonly reason?: string;
  /** Unix milliseconds before which recovery need not look at it. */
  readonly checkAt?: number;
  /** Written to the store's outbox with the step, in one act. */
  readonly news?: News;
}

/**
 * The durable record of every payment. Each method is one atomic act across all requests, workers and replicas.
 *
 * - A resolved promise means the change is as durable as the store is; an act that depends on it may follow.
 * - A rejected promise ({@link GatewayError} `store_unavailable`) means nothing may be assumed: the caller answers 503
 *   and neither forwards nor settles. After `close` every call rejects so.
 * - Every implementation passes `test/contract/ledger.contract.ts`.
 */
export interface Ledger {
  /**
   * Takes a payment key: inserts the row in `claim.state`, or takes over one that {@link isClaimable}. Of any number of
   * simultaneous calls with one key, or with one identifier, exactly one gets `claimed`.
   *
   * A claim outlives the process, but perhaps not a loss of power: the caller asks for money only after a later
   * `transition` was written, such as that of the attempt to settle.
   */
  claim(claim: PaymentClaim): Promise<ClaimOutcome>;
  /**
   * Moves a row one step, if it is still at `epoch`. Rejects with a plain `Error` for a step that {@link mayFollow}
   * does not allow: that is a fault of the caller, not of the data.
   *
   * @param held the row as the caller holds it at `epoch`, which then need not be read again. The row in the store
   *   alone decides whether the step may be taken. Only what is not part of the payment's steps (its confirmation, an
   *   operator's note) can differ from the stored row.
   */
  transition(key: PaymentKey, epoch: number, step: Transition, held?: PaymentRecord): Promise<TransitionOutcome>;
  /** Reads one row. */
  find(key: PaymentKey): Promise<PaymentRecord | undefined>;
  /**
   * Whether `Upkeep.prune` may have deleted the row of a payment: whether rows that expired then or later were deleted.
   * With correct clocks only payments that expired long ago are deleted. If a clock ran ahead, a payment that has not
   * expired may be forgotten: it must not be taken for unused.
   *
   * @param expiresAt Unix seconds, as in the row
   */
  mayHaveForgotten(expiresAt: number): Promise<boolean>;
  /** Finishes accepted calls, then closes files and connections. */
  close(): Promise<void>;
}
