import type { JsonObject } from './x402.ts';

/** The origin of a fault. */
export type ErrorSource = 'client' | 'config' | 'facilitator' | 'upstream' | 'internal';

/** What a public error code means. */
export interface ErrorMeaning {
  readonly status: number;
  readonly source: ErrorSource;
  /** Whether sending the very same request again can help. */
  readonly retryable: boolean;
  /**
   * Whether the answer may state the price again. Only where no payment of the buyer is in progress, unknown or
   * settled: stock clients sign a new authorization at every offer, and the buyer would pay twice.
   */
  readonly offersAgain: boolean;
  /** One sentence for people; the `title` of the problem document. */
  readonly title: string;
}

/**
 * Every error code of the HTTP interface. Codes are public: one may be added, none changes its meaning.
 * `docs/errors.md` lists them; a test keeps both in step.
 */
export const ERROR_CODES = {
  request_target_invalid: client(400, 'The request target is not in canonical form.'),
  request_malformed: client(400, 'The request is not valid HTTP.'),
  request_head_too_large: client(431, 'The request line and headers are over the size limit.'),
  too_many_connections: client(503, 'Too many connections are open from this address.', true),
  request_body_too_large: client(413, 'The request body is over the size limit.'),
  request_timeout: client(408, 'The request did not arrive in time.', true),
  request_ambiguous: client(400, 'What decides the price of this request can be read in two ways.'),
  body_ambiguous: client(400, 'The body decides the price of this request, and can be read in two ways.'),
  request_not_priced: client(400, 'The price table has no price for what this request asks.'),
  host_invalid: client(400, 'The Host header is missing, repeated or not a host.'),
  payment_header_repeated: client(400, 'More than one payment header was sent.'),
  payment_header_too_large: offering(400, 'The payment header is over the size limit.'),
  payment_malformed: offering(400, 'The payment header does not decode to an x402 payment.'),
  credential_malformed: offering(402, 'The Payment credential does not decode.'),
  payment_method_unsupported: offering(400, 'The Payment credential is of a kind that is not taken here.'),
  method_not_allowed: client(405, 'The gateway does not forward this method.'),
  expectation_failed: client(417, 'The gateway does not know this expectation.'),
  upgrade_unsupported: client(400, 'The gateway does not forward this upgrade.'),
  request_unmetered: client(400, 'What this request uses could not be told from its answer.'),
  route_not_found: client(404, 'No route of the price table matches.'),
  payment_required: offering(402, 'This resource costs money.'),
  payment_refused: offering(402, 'The payment was refused.'),
  access_token_malformed: offering(400, 'The access token does not decode, or several were sent.'),
  access_token_invalid: offering(402, 'The access token does not open this route.'),
  access_token_expired: offering(402, 'The access token has expired.'),
  access_token_revoked: offering(402, 'The access token was revoked.'),
  access_quota_exhausted: offering(402, 'All requests of the access token are used up.'),
  access_balance_too_low: offering(402, 'The balance has less than this call may cost.'),
  access_balance_in_use: client(429, 'Other calls hold what is left of the balance.', true),
  sign_in_refused: offering(402, 'The sign-in was refused.'),
  permit2_allowance_required: offering(412, 'The payer has not approved Permit2 for this token yet.'),
  settlement_failed: offering(402, 'The payment could not be settled.'),
  payment_in_progress: client(409, 'Another request is using this payment right now.', true),
  payment_already_used: client(
    409,
    'This payment was used: its answer was delivered, or its authorization was spent elsewhere.',
  ),
  payment_bound_to_another_request: client(409, 'This payment belongs to another request.'),
  payment_identifier_required: offering(400, 'This route asks for a payment-identifier.'),
  payment_identifier_conflict: client(409, 'This payment-identifier belongs to another request.'),
  delivery_expired: client(409, 'This payment was settled, and its answer can no longer be collected.'),
  delivery_unknown: client(409, 'This payment was used for a call whose outcome is not known.'),
  too_many_payments: client(429, 'Too many payments from this address came to nothing.', true),
  too_many_unpaid_calls: client(429, 'This payer has too many calls under way that are not paid yet.', true),
  too_many_upstream_calls: client(503, 'Too many calls to the API are under way.', true),
  too_many_bodies: fault(503, 'internal', true, 'The gateway has no room to read the request body.'),
  settlement_unknown: fault(
    503,
    'facilitator',
    true,
    'The settlement is not resolved yet; send the same payment again.',
  ),
  facilitator_unreachable: fault(503, 'facilitator', true, 'No facilitator could be reached.'),
  facilitator_timeout: fault(503, 'facilitator', true, 'The facilitator did not answer in time.'),
  facilitator_invalid_answer: fault(
    503,
    'facilitator',
    true,
    'The facilitator gave an answer that cannot be believed.',
  ),
  facilitator_overloaded: fault(503, 'facilitator', true, 'The facilitator cannot take more payments right now.'),
  store_unavailable: fault(503, 'internal', true, 'The ledger cannot be reached.'),
  shutting_down: fault(503, 'internal', true, 'The gateway is shutting down.'),
  upstream_unreachable: fault(502, 'upstream', true, 'The API behind the gateway cannot be reached.'),
  upstream_invalid_answer: fault(
    502,
    'upstream',
    true,
    'The API behind the gateway broke off or sent an invalid answer.',
  ),
  upstream_timeout: fault(504, 'upstream', true, 'The API behind the gateway did not answer in time.'),
  internal_error: fault(500, 'internal', false, 'The gateway failed.'),
} as const satisfies Record<string, ErrorMeaning>;

/** A public error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Facts of one occurrence that an HTTP answer may show. */
export interface ErrorDetail {
  /** What failed here, for people; no secrets, no internal addresses. */
  readonly detail?: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterSeconds?: number;
  /** Members of the problem document by which clients of one kind know what to do. */
  readonly members?: JsonObject;
  readonly cause?: unknown;
}

/** A fault with a public code. Thrown where it happens, turned into a response in one place. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly meaning: ErrorMeaning;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly members: JsonObject | undefined;

  constructor(code: ErrorCode, detail: ErrorDetail = {}) {
    const meaning: ErrorMeaning = ERROR_CODES[code];
    super(detail.detail === undefined ? meaning.title : `${meaning.title} ${detail.detail}`, { cause: detail.cause });
    this.code = code;
    this.meaning = meaning;
    this.detail = detail.detail;
    this.retryAfterSeconds = detail.retryAfterSeconds;
    this.members = detail.members;
  }
}

/** Whether a fault says that the ledger cannot be reached. */
export function isStoreFault(fault: unknown): fault is GatewayError {
  return fault instanceof GatewayError && fault.code === 'store_unavailable';
}

function client(status: number, title: string, retryable = false) {
  return { status, source: 'client', retryable, offersAgain: false, title } as const satisfies ErrorMeaning;
}

/** A refusal that states the price again: no money of the buyer moved or can still move. */
function offering(status: number, title: string) {
  return { status, source: 'client', retryable: false, offersAgain: true, title } as const satisfies ErrorMeaning;
}

function fault(status: number, source: ErrorSource, retryable: boolean, title: string) {
  return { status, source, retryable, offersAgain: false, title } as const satisfies ErrorMeaning;
}
