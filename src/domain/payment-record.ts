import type { Amount } from './amount.ts';
import type { Network } from './network.ts';
import type { PaymentKey } from './payment.ts';
import type { ClaimState, PaymentState } from './payment-state.ts';
import type { Settlement } from './settlement.ts';

/** What a payment was taken for, written down with the claim and never changed. */
export interface PaymentClaim {
  readonly key: PaymentKey;
  /** SHA-256 over what the payment is bound to: price, method, host, canonical path and query. */
  readonly fingerprint: string;
  /** {@link Authorization.digest} of the payment that took the key. */
  readonly digest: string;
  readonly requestId: string;
  /** Id of the price: the route's name, and where the route has several prices, `#` and that of the entry. */
  readonly route: string;
  readonly payer: string;
  readonly network: Network;
  readonly asset: string;
  /** The price: the most that may be asked for. */
  readonly amount: Amount;
  readonly payTo: string;
  readonly scheme: string;
  /**
   * The protocol that brought the payment, such as `x402 v2`; `undefined` in rows of versions that did not write it.
   */
  readonly protocol?: string | undefined;
  /** Unix milliseconds. */
  readonly claimedAt: number;
  /** Unix seconds: the authorization's `validBefore`. The record lives at least that long. */
  readonly expiresAt: number;
  /** Where the payment begins. */
  readonly state: ClaimState;
  /** The process that holds the payment: the id that it passes to the ledger's `beat`. */
  readonly owner: string;
  /** Name of the facilitator that verified the payment, or that took it up: the only one that may settle it. */
  readonly facilitator: string;
  /**
   * Everything that is needed to ask about the settlement again after a crash, as JSON: the submission, the offer and
   * the resource's URL. Deleted with a `delivered` payment whose `checkAt` is 0, else by `Upkeep.confirm`.
   */
  readonly evidence: string;
  /** The client's own id for the purchase (`payment-identifier` extension); two live payments cannot share one. */
  readonly identifier: string | undefined;
}

/**
 * What a facilitator wrote down before it sent anything: enough to find, or to send again, the very same transaction.
 * Only the facilitator that made it can read `data`.
 */
export interface SettlementAttempt {
  /** Transaction hash. */
  readonly transaction: string;
  readonly data: string;
}

/** One row of the ledger. */
export interface PaymentRecord extends Omit<PaymentClaim, 'state' | 'evidence'> {
  readonly state: PaymentState;
  /** Fencing number: grows with every transition; a writer that holds an old one has lost the payment. */
  readonly epoch: number;
  readonly settlement: Settlement | undefined;
  /** Unix milliseconds at which the ledger learned that the money moved. */
  readonly settledAt: number | undefined;
  /**
   * The amount that is asked for, written down with or before the first attempt to settle and never changed after;
   * `undefined` before that, and in rows of versions that always asked for the whole price. {@link amountAsked} reads
   * it.
   */
  readonly asked: Amount | undefined;
  /** The usage that a metered call was charged for, as `encodeUsage` writes it. */
  readonly usage: string | undefined;
  /** The last attempt to settle, once there was one. */
  readonly attempt: SettlementAttempt | undefined;
  /** {@link PaymentClaim.evidence}, until it is forgotten. */
  readonly evidence: string | undefined;
  /** SHA-256 of the request's body, hex, once all of it was read. */
  readonly bodyDigest: string | undefined;
  /** Whether the whole answer went out before the money moved (`settle: deferred`). */
  readonly answered: boolean;
  /** Whether the buyer left during an answer on credit that another call cannot give again. */
  readonly leftEarly: boolean;
  /** How often its answer was begun, on credit or paid: bounds a client that always breaks off. */
  readonly deliveries: number;
  /** How often recovery checked the open settlement. */
  readonly checks: number;
  /** Unix milliseconds of the next check. */
  readonly checkAt: number;
  /** Why the payment is `failed` or `unknown`. */
  readonly reason: string | undefined;
  /** Unix milliseconds of the last transition. */
  readonly changedAt: number;
  /** The note of an operator who has taken care of it; not a step of the payment, and without effect on any. */
  readonly resolution: Resolution | undefined;
}

/** The note that an operator has taken care of a payment outside of the gateway. */
export interface Resolution {
  /** Unix milliseconds. */
  readonly at: number;
  readonly note: string;
}

/** What a payment's settlement is to move, or moved, in atomic units. */
export function amountAsked({ asked, amount }: Pick<PaymentRecord, 'asked' | 'amount'>): Amount {
  return asked ?? amount;
}

/** How an answer on credit ended: all of it went out, or its buyer left and has had what can be had; neither otherwise. */
export interface AnswerOver {
  readonly answered?: true;
  readonly leftEarly?: true;
}

/**
 * Whether an answer, or a part of it, went out before the money of this payment moved: where it does not move, that is a
 * debt. A client that breaks off before the last byte has had the answer, too.
 */
export function isOnCredit({ answered, deliveries }: Pick<PaymentRecord, 'answered' | 'deliveries'>): boolean {
  return answered || deliveries > 0;
}
