import type { Answer } from '../domain/answer.ts';
import { ERROR_CODES, type ErrorCode, GatewayError } from '../domain/gateway-error.ts';
import { transactionOf } from '../domain/receipt.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { PaidPrice } from '../domain/route-price.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { Page } from '../paywall/paywall.ts';
import type { AskedResource, ChallengeBody, Occasion } from '../protocol/challenge.ts';
import type { Protocol } from '../protocol/protocol.ts';
import { carriedPayments } from '../proxy/carried-token.ts';
import type { AnswerForm, Told } from './answer-form.ts';
import { crossOriginHeaders } from './cross-origin.ts';
import type { ExchangeNotes, RoutedRequest } from './exchange.ts';
import { noticeHeaders } from './refusal.ts';
import type { OpenPrice, Runtime } from './runtime.ts';
import type { Refusal } from './stages.ts';

/** Leads from a price to the description of all that is for sale (RFC 8631). */
const DESCRIPTION_LINK = '</openapi.json>; rel="service-desc"';

/** The request that is answered, and what the answer may name. */
export interface AnswerContext {
  readonly head: Pick<RequestHead, 'headers'>;
  readonly runtime: Pick<Runtime, 'plan' | 'fields' | 'paywall'>;
  readonly requestId: string;
  readonly notes: ExchangeNotes;
  /** Absent: plain HTTP. */
  readonly form?: AnswerForm | undefined;
}

/** The price to state with a refusal. */
export interface Challenged {
  readonly open: OpenPrice;
  readonly resource: AskedResource;
  readonly price: PaidPrice;
  /** The protocol in which the request brought a payment. Such a client is a machine, whatever it accepts. */
  readonly broughtBy: Protocol | undefined;
}

/**
 * The answer to a refusal. A 402 carries what each protocol of the route says of the price. Where no protocol gives a
 * body, it is a problem document (RFC 9457) with a stable `code`, like every other refusal.
 */
export function refusalAnswer(context: AnswerContext, refusal: Refusal, price: Challenged | undefined): Answer {
  const { code, reason, words, detail, settlement, retryAfterSeconds } = refusal;
  const offered = ERROR_CODES[code].offersAgain ? price : undefined;
  if (settlement !== undefined) context.notes.transaction = transactionOf(settlement.receipt);
  context.notes.reason = reason;
  const occasion: Occasion = { code, reason, words, broughtBy: offered?.broughtBy, headers: context.head.headers };
  const prices = context.form && offered?.open.challenge.prices(offered.resource, occasion);
  const told = toldIn(context.form, { code, detail, prices: prices ?? [] });
  const headers: string[] = [];
  if (told !== undefined) {
    pushOwnHeaders(headers, refusal);
    return answerOf(context, { code, headers, body: told, retryAfterSeconds });
  }
  let body: ChallengeBody | undefined;
  let type: string | undefined;
  const page = price && pageFor(context, code, price);
  if (offered !== undefined) {
    const stated = offered.open.challenge.state(offered.resource, occasion);
    headers.push(...stated.headers);
    if (ERROR_CODES[code].status === 402) body = stated.body;
    type = stated.problemType;
  }
  pushOwnHeaders(headers, refusal);
  if (offered !== undefined && context.runtime.plan.discovery !== undefined) headers.push('Link', DESCRIPTION_LINK);
  if (page !== undefined) {
    headers.push(...page.headers);
    body = { contentType: 'text/html; charset=utf-8', text: page.html };
  }
  const error = reason === code ? undefined : reason;
  return answerOf(context, { code, headers, body, type, detail, error, retryAfterSeconds });
}

/** Adds the headers of a refusal: the outcome of its settlement, and its own fields. */
function pushOwnHeaders(headers: string[], { code, settlement, fields }: Refusal): void {
  if (settlement !== undefined) headers.push(...noticeHeaders(settlement, ERROR_CODES[code].status).flat());
  if (fields !== undefined) headers.push(...fields.flat());
}

/** What a stated price depends on. */
type PricedRequest = Pick<RoutedRequest, 'route' | 'price' | 'resourceUrl' | 'method' | 'path' | 'runtime'>;

/** The price to state with a refusal, for a request that has one. */
export function challengedOf(
  { route, price, resourceUrl: url, method, path, runtime }: PricedRequest,
  { broughtBy }: Pick<Challenged, 'broughtBy'>,
): Challenged {
  return { open: runtime.openPrice(route, price), resource: { url, method, path }, price, broughtBy };
}

/** The body of a refusal or a fault for a client that reads messages; `undefined` for a client that reads HTTP. */
function toldIn(form: AnswerForm | undefined, told: Omit<Told, 'status'>): AnswerBody | undefined {
  return form?.told({ ...told, status: ERROR_CODES[told.code].status });
}

/** The page for people, in place of the body for machines; the head states the price to both. */
function pageFor({ head, runtime }: AnswerContext, code: ErrorCode, stated: Challenged): Page | undefined {
  const { headers } = head;
  const { price, resource, broughtBy } = stated;
  const { method } = resource;
  const paidBefore = carriedPayments(headers.cookie).length > 0;
  return runtime.paywall?.page(
    { method, headers, paying: broughtBy !== undefined },
    { code, price, resourceUrl: resource.url, paidBefore },
  );
}

/**
 * A fault as a problem document, with `extra` headers. An error that is not a {@link GatewayError} is a bug: 500,
 * without any of its text.
 */
export function faultAnswer(
  context: AnswerContext,
  fault: unknown,
  extra: (status: number) => readonly (readonly [name: string, value: string])[] = () => [],
): Answer {
  const error = fault instanceof GatewayError ? fault : new GatewayError('internal_error', { cause: fault });
  context.notes.cause = error.cause ?? (fault instanceof GatewayError ? undefined : fault);
  const { code, detail, retryAfterSeconds } = error;
  const retry = retryAfterSeconds ?? (error.meaning.status === 503 ? 1 : undefined);
  const body = toldIn(context.form, { code, detail, prices: [] });
  const headers = extra(error.meaning.status).flat();
  return answerOf(context, { code, headers, body, detail, members: error.members, retryAfterSeconds: retry });
}

/** A body, and the status where it is not that of the code. */
type AnswerBody = ChallengeBody & { readonly status?: number };

interface Said {
  readonly code: ErrorCode;
  /** Flat list of names and values; added to. */
  readonly headers: string[];
  /** The body of a protocol or of another form; `undefined`: the problem document is sent. */
  readonly body: AnswerBody | undefined;
  /** Members of the problem document; the default of `type` is `about:blank`. */
  readonly type?: string | undefined;
  readonly detail?: string | undefined;
  readonly error?: string | undefined;
  readonly members?: JsonObject | undefined;
  readonly retryAfterSeconds: number | undefined;
}

function answerOf({ head, runtime, requestId, notes }: AnswerContext, said: Said): Answer {
  const { code, headers, type = 'about:blank', detail, error, members } = said;
  notes.code = code;
  const { status, title } = ERROR_CODES[code];
  const contentType = said.body?.contentType ?? 'application/problem+json';
  const body = said.body?.text ?? JSON.stringify({ type, title, status, code, detail, error, requestId, ...members });
  const length = Buffer.byteLength(body);
  headers.push('Content-Type', contentType);
  headers.push('Content-Length', String(length), 'Cache-Control', 'no-store', 'X-Request-Id', requestId);
  if (said.retryAfterSeconds !== undefined) headers.push('Retry-After', String(said.retryAfterSeconds));
  headers.push(...crossOriginHeaders(head, runtime));
  // ASCII text has as many bytes as characters.
  const encoding = length === body.length ? 'latin1' : 'utf8';
  return { status: said.body?.status ?? status, reason: undefined, headers, body, encoding, dated: true };
}
