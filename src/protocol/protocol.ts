import type { NetworkFamilies } from '../domain/network-family.ts';
import type { Offer } from '../domain/offer.ts';
import type { PaymentSubmission } from '../domain/payment.ts';
import type { ProtocolHeaders } from '../domain/protocol-headers.ts';
import type { ProtocolSetting } from '../domain/protocol-setting.ts';
import type { Receipt } from '../domain/receipt.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { Challenge, ChallengeSubject } from './challenge.ts';
import type { McpForm } from './mcp-form.ts';
import type { Identifier } from './payment-identifier.ts';

/**
 * The fields of a request: `headers` by their lower-case names, repeated ones joined as Node joins them; `rawHeaders` as they
 * were sent, for the few names of which Node keeps the first value only.
 */
export type RequestFields = Pick<RequestHead, 'headers' | 'rawHeaders'>;

/** What a request carries of a protocol: nothing, several payments, or one, which is not decoded yet. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'repeated' }
  | {
      readonly kind: 'one';
      /** As it came. Equal texts of two protocols are one payment. */
      readonly text: string;
    };

/** A payment as its protocol read it, before it met one of our offers. */
export interface Submission {
  /** What the payer signed, in the form that the scheme checks. */
  readonly payload: JsonObject;
  /** The buyer's own id for the purchase. */
  readonly identifier: Identifier;
  /** Whether it states the very offer that it pays, so that a difference in content is final. */
  readonly namesItsOffer: boolean;
  /** Finds the offers that it can pay, comparing with our own table only. */
  match(offers: readonly Offer[], context: MatchContext): Match;
  /** The payment of `offer` in the form that is stored and sent to facilitators. */
  paying(offer: Offer): PaymentSubmission;
}

/** A credential, decoded or not. */
export type Submitted =
  | { readonly kind: 'submitted'; readonly submission: Submission }
  | {
      readonly kind: 'malformed';
      readonly detail: string;
      /** Default: `payment_malformed`. */
      readonly code?: 'credential_malformed' | 'payment_method_unsupported';
    };

/** What a submission is compared with, besides our offers. */
export interface MatchContext {
  /** The absolute URL that is being paid for. */
  readonly resourceUrl: string;
  /** Name of the route. */
  readonly route: string;
  /** Unix seconds. */
  readonly now: number;
  /** They compare addresses. */
  readonly families: NetworkFamilies;
}

/** The reason of a payment that names another resource than the requested one. */
export const RESOURCE_MISMATCH = 'resource_mismatch';

/** Which of our offers a submission can be paying: the candidates, in the order of the price table. */
export type Match =
  | {
      readonly kind: 'matched';
      readonly offers: readonly Offer[];
      /**
       * Why the payment buys nothing now, although it pays these offers; absent where it may. An earlier outcome takes
       * precedence: a payment that is in doubt or settled gets no new offer.
       */
      readonly lapsed?: string | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: string };

/** A payment protocol on HTTP: how a price is stated, how payments come in and how their outcome goes out. */
export interface Protocol {
  /** For logs and the ledger: `x402 v2`. */
  readonly name: string;
  /** The word of `protocols` in the configuration that offers it; absent: every priced route does. */
  readonly setting?: ProtocolSetting;
  readonly headers: ProtocolHeaders;
  /** `false`: buyers get the receipt with the answer, so the protocol states no price for answers on credit. */
  readonly onCredit?: false;
  /**
   * Looks for a payment, valid or not. It runs for every request of a priced route, so it must cost next to nothing.
   */
  credential(fields: RequestFields): Credential;
  /** Decodes a credential strictly; the size limit was checked before. */
  read(credential: string): Submitted;
  /**
   * The buyer's own id for the purchase, where it is in a header beside the payment, with that header's name. Absent:
   * {@link Submission.identifier} has it.
   */
  readonly idField?: { readonly name: string; read(fields: RequestFields): Identifier };
  /** Prepares this protocol's part of a route's 402. Parts that no request changes are serialised here. */
  challenge(subject: ChallengeSubject): Challenge;
  /** The headers that tell the buyer of a settlement, in an answer with that status. */
  receipt(receipt: Receipt, status: number): readonly (readonly [name: string, value: string])[];
  /** How it is carried in messages of MCP; absent: it has no place there. */
  readonly mcp?: McpForm;
}

const NONE: Credential = { kind: 'none' };
const REPEATED: Credential = { kind: 'repeated' };

/** The credential of a protocol that has a field of its own for it. @param name lower case */
export function credentialIn({ headers }: RequestFields, name: string): Credential {
  const value = headers[name];
  if (value === undefined) return NONE;
  // Node joins repeated fields with a comma, which base64 does not hold.
  return typeof value !== 'string' || value.includes(',') ? REPEATED : { kind: 'one', text: value };
}
