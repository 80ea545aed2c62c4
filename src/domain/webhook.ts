import type { Amount } from './amount.ts';
import type { Network } from './network.ts';
import type { PassId } from './pass.ts';
import type { PaymentKey } from './payment.ts';

/** Events of payments: the money moved; it never will, and the answer is out; it is in doubt. */
export const PAYMENT_EVENT_TYPES = ['payment.settled', 'payment.defaulted', 'settlement.unknown'] as const;

/** One of {@link PAYMENT_EVENT_TYPES}. */
export type PaymentEventType = (typeof PAYMENT_EVENT_TYPES)[number];

/** The facts of every event. They never change between deliveries. */
interface EventFacts {
  /** The same for one type and payment or call in every delivery to every receiver; without a dot, which separates what is signed. */
  readonly id: string;
  /** Unix milliseconds of the step that it tells of. */
  readonly createdAt: number;
  readonly route: string;
  readonly requestId: string;
  /** The payer; for a balance, its buyer. */
  readonly payer: string;
  readonly network: Network;
  /** The contract; of a balance, of what it is kept in. */
  readonly asset: string;
  /** What moved or was drawn, or, where nothing did, what was to be paid: in atomic units. */
  readonly amount: Amount;
  /** {@link PaymentRecord.usage} of the payment, or of the call. */
  readonly usage: string | undefined;
}

/** Something that happened to a payment, as the ledger had it then. */
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
  /** Digest of the URL: what is waiting for it is found again after a change of its secret or its routes. */
  readonly id: string;
  readonly url: string;
  /** The bytes that messages are signed with, base64. */
  readonly secret: string;
  /** Names of the routes whose events it gets; `undefined` for all. */
  readonly routes: readonly string[] | undefined;
}
