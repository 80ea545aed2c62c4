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

// What one stage returns and the next one takes: plain values, so that no stage needs the file of another for a type.

/** Everything about a request is decided: its answer was relayed, its client has gone, or there is an answer to write. */
export interface Served {
  readonly kind: 'served';
  /** The answer that the edge still writes; `undefined` where nothing is. */
  readonly answer: Answer | undefined;
  /** How it ended, in the words of logs and metrics. */
  readonly outcome: RequestOutcome;
}

/** A request that ended like this, with nothing left to write. */
export function served(outcome: RequestOutcome): Served {
  return { kind: 'served', outcome, answer: undefined };
}

/** A request that ends like this, with an answer of the gateway's own. */
export function answered(outcome: RequestOutcome, answer: Answer): Served {
  return { kind: 'served', outcome, answer };
}

/** A decision not to serve a request; a value, because nothing broke. */
export interface Refusal {
  readonly kind: 'refusal';
  /** Also says whether the price is stated again: `offersAgain` in `ERROR_CODES`. */
  readonly code: ErrorCode;
  /** Text of `error` in the 402, a specification's reason string where there is one. */
  readonly reason: string;
  /** What the reason means here, for people: follows it in the text of `error`. */
  readonly words?: string;
  /** For people, in the problem document. */
  readonly detail?: string;
  readonly settlement?: SettlementNotice;
  readonly retryAfterSeconds?: number;
  /** What else the client is told in the head. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
}

/** Signs a receipt for an answer with that status; `undefined` for an answer that is not what was sold. */
export type Attest = (receipt: Receipt, status: number) => JsonObject | undefined;

/** A settlement to tell the buyer about, in the protocol that the payment came in. */
export interface SettlementNotice {
  readonly protocol: Protocol;
  readonly receipt: Receipt;
  /** The pass that it bought. */
  readonly pass?: IssuedPass | undefined;
  /** Signs the receipt that goes with what was sold. */
  readonly attest?: Attest | undefined;
}

/** A pass on its way to its buyer. */
export interface IssuedPass {
  readonly id: PassId;
  /** Token, end and rest, and the cookie for browsers. */
  readonly headers: readonly (readonly [string, string])[];
  /** The same for the extensions of the receipt. */
  readonly extension: JsonObject;
}

/** A request that the route is opened for without a payment: by a pass, by a key, or for nothing. One use of that is taken. */
export interface Admission {
  readonly kind: 'admitted';
  /** What opens it, in the words of logs and metrics. */
  readonly outcome: RequestOutcome & ('pass' | 'key' | 'free_quota');
  /** What the upstream is told. */
  readonly facts: PaidFacts;
  /** What the client is told of its pass, or of what is left. */
  readonly headers: readonly (readonly [string, string])[];
  /** The balance that each call is charged to, where what opens the route is one: nothing is taken of it yet. */
  readonly balance?: PassId;
  /** Gives the use back: the upstream failed. Does nothing where only time ends a pass. */
  giveBack(): void;
}

/** A payment that was read and that pays one of our offers, and the request that brings it. */
export interface BroughtPayment {
  readonly kind: 'brought';
  readonly payment: Payment;
  readonly protocol: Protocol;
  readonly fingerprint: string;
  /** The buyer's own id for the purchase, bound to the payer: nobody can take somebody else's. */
  readonly identifier: string | undefined;
  /**
   * Why it can no longer be taken, when time has run out on it. It may have been taken before, and then what became of
   * it counts.
   */
  readonly lapsed: string | undefined;
}

/** A payment that may be claimed for this request. */
export interface AuthorizedPayment extends Pick<BroughtPayment, 'payment' | 'protocol' | 'fingerprint' | 'identifier'> {
  readonly kind: 'authorized';
  /** Who verified it, and the only one that may settle it. */
  readonly facilitator: Facilitator;
  /** Somebody else has moved its money already: nobody is asked for it any more. */
  readonly foreign?: FoundTransfer | undefined;
}

/** The transfer of a payment, made by somebody else. */
export type FoundTransfer = Extract<ForeignTransfer, { kind: 'found' }>;

/** A payment that was settled for this very request, whose answer the buyer may still get. */
export interface CollectablePayment {
  readonly kind: 'collectable';
  readonly record: PaymentRecord;
  readonly protocol: Protocol;
  readonly offer: Offer;
  /** The stored answer, where the call must not be made again; `undefined` where it is made again. */
  readonly kept: KeptAnswer | undefined;
}

/** What a request's payment header came to. */
export type AuthorizeResult = AuthorizedPayment | CollectablePayment | Refusal;
