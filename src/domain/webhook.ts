import type { Amount } from './amount.ts';
import type { Network } from './network.ts';
import type { PassId } from './pass.ts';
import type { PaymentKey } from './payment.ts';

/**
 * Events of payments, in this order: the money moved; the answer is out and the money will never move; the outcome is
 * in doubt.
 */
export const PAYMENT_EVENT_TYPES = ['payment.settled', 'payment.defaulted', 'settlement.unknown'] as const;

/** One of {@link PAYMENT_EVENT_TYPES}. */
export type PaymentEventType = (typeof PAYMENT_EVENT_TYPES)[number];

/** The facts of every event. They never change between deliveries. */
interface EventFacts {
  /**
   * Equal for one type and one payment or call, in every delivery to every receiver. Without a dot, which separates the
   * signed parts.
   */
  readonly id: string;
  /** Unix milliseconds of the step that it tells of. */
  readonly createdAt: number;
  readonly route: string;
  readonly requestId: string;
  /** The payer; for a balance, its buyer. */
  readonly payer: string;
  readonly network: Network;
  /** The contract of the asset; for a balance, of its currency. */
  readonly asset: string;
  /** The amount that moved or was drawn; where none did, the amount that was to be paid. In atomic units. */
  readonly amount: Amount;
  /** {@link PaymentRecord.usage} of the payment, or of the call. */
  readonly usage: string | undefined;
}

/** An event of a payment, with the facts of the ledger at that time. */
export interface PaymentEvent extends EventFacts {
  readonly type: PaymentEventType;
  readonly payment: PaymentKey;
  readonly payTo: string;
  readonly scheme: string;
  /** {@link PaymentClaim.protocol} of the payment. */
  readonly protocol?: string | undefined;
  /** The transaction that the money moved with; `undefined` where none is known to have moved any. */
  readonly transaction: string | undefined;
  /** Unix milliseconds at which the ledger learned that it moved. */
  readonly settledAt: number | undefined;
}

/** The event of a call that a balance paid. */
export const DRAWN = 'balance.drawn';

/** A call was charged to a balance. Its money moved when the balance was bought, which `payment.settled` reported. */
export interface DrawEvent extends EventFacts {
  readonly type: typeof DRAWN;
  readonly pass: PassId;
}

/** Any event for receivers. */
export type LedgerEvent = PaymentEvent | DrawEvent;

/** A receiver of events. */
export interface Webhook {
  /** Digest of the URL, so that waiting messages are found again after a change of its secret or its routes. */
  readonly id: string;
  readonly url: string;
  /** The bytes that messages are signed with, base64. */
  readonly secret: string;
  /** Names of the routes whose events it gets; `undefined` for all. */
  readonly routes: readonly string[] | undefined;
}
