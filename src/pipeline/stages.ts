import type { Answer } from '../domain/answer.ts';
import type { ErrorCode } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { PassId } from '../domain/pass.ts';
import type { Payment } from '../domain/payment.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { Receipt } from '../domain/receipt.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { Facilitator, ForeignTransfer } from '../facilitator/facilitator.ts';
import type { RequestOutcome } from '../observe/observer.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { PaidFacts } from '../proxy/headers/to-upstream.ts';
import type { KeptAnswer } from '../store/answers.ts';

// What one stage returns and the next one takes: plain values, so that no stage imports another for a type.

/** The end of a request: its answer was relayed, its client has left, or an answer remains to be written. */
export interface Served {
  readonly kind: 'served';
  /** The answer that the edge still writes; `undefined` where there is none. */
  readonly answer: Answer | undefined;
  /** The outcome in logs and metrics. */
  readonly outcome: RequestOutcome;
}

/** A request that ended with this outcome, with nothing left to write. */
export function served(outcome: RequestOutcome): Served {
  return { kind: 'served', outcome, answer: undefined };
}

/** A request that ends with this outcome and an answer of the gateway's own. */
export function answered(outcome: RequestOutcome, answer: Answer): Served {
  return { kind: 'served', outcome, answer };
}

/** A decision not to serve a request; a value, because it is no fault. */
export interface Refusal {
  readonly kind: 'refusal';
  /** Also decides whether the price is stated again: `offersAgain` in `ERROR_CODES`. */
  readonly code: ErrorCode;
  /** Text of `error` in the 402: a reason of the specification, where there is one. */
  readonly reason: string;
  /** The reason in words, for people; follows it in the text of `error`. */
  readonly words?: string;
  /** For people, in the problem document. */
  readonly detail?: string;
  readonly settlement?: SettlementNotice;
  readonly retryAfterSeconds?: number;
  /** Further headers for the client. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
}

/** Signs a receipt for an answer with that status; `undefined` for an answer that is not what was sold. */
export type Attest = (receipt: Receipt, status: number) => JsonObject | undefined;

/** A settlement that the buyer is told of, in the protocol of the payment. */
export interface SettlementNotice {
  readonly protocol: Protocol;
  readonly receipt: Receipt;
  /** The pass that it bought. */
  readonly pass?: IssuedPass | undefined;
  /** Signs the receipt that goes with what was sold. */
  readonly attest?: Attest | undefined;
}

/** A pass to be given to its buyer. */
export interface IssuedPass {
  readonly id: PassId;
  /** Token, expiry and rest, and the cookie for browsers. */
  readonly headers: readonly (readonly [string, string])[];
  /** The same, as an extension of the receipt. */
  readonly extension: JsonObject;
}

/** A request that may pass without a payment: by a pass, a key, or a free use. One use has been taken. */
export interface Admission {
  readonly kind: 'admitted';
  /** What opened it, as an outcome of logs and metrics. */
  readonly outcome: RequestOutcome & ('pass' | 'key' | 'free_quota');
  /** Facts for the upstream. */
  readonly facts: PaidFacts;
  /** Headers that tell the client of its pass, or of what is left. */
  readonly headers: readonly (readonly [string, string])[];
  /** The balance that the call is charged to, where a balance opened it: nothing is taken from it yet. */
  readonly balance?: PassId | undefined;
  /** Gives the use back, after a failure of the upstream. Does nothing for a pass that only time ends. */
  giveBack(): void;
}

/** A payment that was read and pays one of our offers, with the request that brings it. */
export interface BroughtPayment {
  readonly kind: 'brought';
  readonly payment: Payment;
  readonly protocol: Protocol;
  readonly fingerprint: string;
  /** The buyer's own id for the purchase, bound to the payer: nobody can use another payer's id. */
  readonly identifier: string | undefined;
  /** Why it can no longer be claimed, when its time has run out. If it was claimed before, the row decides instead. */
  readonly lapsed: string | undefined;
}

/** A payment that may be claimed for this request. */
export interface AuthorizedPayment extends Pick<BroughtPayment, 'payment' | 'protocol' | 'fingerprint' | 'identifier'> {
  readonly kind: 'authorized';
  /** The facilitator that verified it, or that takes it unverified: the only one that may settle it. */
  readonly facilitator: Facilitator;
  /** No facilitator has verified it: the settlement decides, and nothing is done for it before that. */
  readonly unverified?: true;
  /**
   * Set where the upstream works during the verification: asks a facilitator, once, and returns the verified payment.
   * Before that, no byte of the answer goes out and no money is asked for.
   */
  readonly verifyBeside?: () => Promise<AuthorizeResult>;
  /** Somebody else has moved its money already: it is never asked for again. */
  readonly foreign?: FoundTransfer | undefined;
}

/** The transfer of a payment, sent by somebody else. */
export type FoundTransfer = Extract<ForeignTransfer, { kind: 'found' }>;

/** A payment that was settled for this very request, whose answer can still be collected. */
export interface CollectablePayment {
  readonly kind: 'collectable';
  readonly record: PaymentRecord;
  readonly protocol: Protocol;
  readonly offer: Offer;
  /** The stored answer, where the call must not be repeated; `undefined` where it is made again. */
  readonly kept: KeptAnswer | undefined;
}

/** The result of reading a request's payment. */
export type AuthorizeResult = AuthorizedPayment | CollectablePayment | Refusal;
