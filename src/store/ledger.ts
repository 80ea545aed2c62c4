import type { Amount } from '../domain/amount.ts';
import type { PaymentKey } from '../domain/payment.ts';
import type { PaymentClaim, PaymentRecord, SettlementAttempt } from '../domain/payment-record.ts';
import type { PaymentState } from '../domain/payment-state.ts';
import type { Settlement } from '../domain/settlement.ts';
import type { PaymentEventType } from '../domain/webhook.ts';

/** What taking a payment key came to. */
export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly record: PaymentRecord }
  /**
   * Somebody has the key, or had it: `record` says in which state. Where `record.key` is another key, it is the
   * identifier that is taken.
   */
  | { readonly kind: 'held'; readonly record: PaymentRecord };

/** What a transition came to. */
export type TransitionOutcome =
  | { readonly kind: 'moved'; readonly record: PaymentRecord }
  /** The row is not at the epoch the caller holds: the payment belongs to somebody else now; do nothing for it. */
  | { readonly kind: 'stale'; readonly record: PaymentRecord | undefined };

/** What receivers are to hear of a step. */
export interface News {
  readonly type: PaymentEventType;
  /** Ids of the receivers; at least one. */
  readonly hooks: readonly string[];
}

/** A step of the payment state machine, with the facts it adds to the row. What is absent stays as it is. */
export interface Transition {
  readonly to: PaymentState;
  /** The process that holds the payment from now on: whoever takes up what another process left at rest says so. */
  readonly owner?: string;
  readonly settlement?: Settlement;
  /** What is about to be asked for. The first one of a claim stays: later steps do not change it. */
  readonly asked?: Amount;
  /** {@link PaymentRecord.usage}, with what is asked for; stays likewise. */
  readonly usage?: string;
  readonly attempt?: SettlementAttempt;
  /** Who is about to send the attempt, where it is not who verified the payment first. */
  readonly facilitator?: string;
  readonly bodyDigest?: string;
  readonly answered?: true;
  readonly leftEarly?: true;
  /** Why it is where it goes; a step without a reason clears it. */
  readonly reason?: string;
  /** Unix milliseconds before which nobody need look into it. */
  readonly checkAt?: number;
  /** Written to the store's outbox with the step: there is never one without the other. */
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
   * A claim outlives the process and need not outlive the machine's power: the caller asks nobody for money before a
   * `transition` that comes after it was written, such as that of the attempt to settle.
   */
  claim(claim: PaymentClaim): Promise<ClaimOutcome>;
  /**
   * Moves a row one step, if it still stands at `epoch`. Rejects with a plain `Error` for a step that
   * {@link mayFollow} does not know: that is a fault of the caller, not of the data.
   *
   * @param held the row as the caller holds it at `epoch`, which needs not be read once more then: whether the step may be
   *   taken is decided on the row alone, never on this. Only what is no part of the payment's steps (its confirmation, an
   *   operator's note) can differ from the row.
   */
  transition(key: PaymentKey, epoch: number, step: Transition, held?: PaymentRecord): Promise<TransitionOutcome>;
  /** Reads one row. */
  find(key: PaymentKey): Promise<PaymentRecord | undefined>;
  /**
   * Whether a payment without a row may have had one that `Upkeep.prune` deleted: one that ended as late was. By clocks
   * that are right only what ended long ago is deleted; a payment that lives and may be forgotten, because a clock ran
   * ahead, is not known to be unused.
   *
   * @param expiresAt Unix seconds, as the row has it
   */
  mayHaveForgotten(expiresAt: number): Promise<boolean>;
  /** Finishes what was accepted and lets go of files and connections. */
  close(): Promise<void>;
}
