import type { ServerResponse } from 'node:http';
import { ERROR_CODES, type ErrorCode, GatewayError } from '../domain/gateway-error.ts';
import { transactionOf } from '../domain/receipt.ts';
import { STATUS_CODES } from '../engine/node-http.ts';
import type { AskedResource, ChallengeBody } from '../protocol/challenge.ts';
import { discardBody } from '../proxy/linger.ts';
import { crossOriginHeaders } from './cross-origin.ts';
import type { ExchangeNotes } from './exchange.ts';
import { noticeHeaders } from './refusal.ts';
import type { OpenPrice, Runtime } from './runtime.ts';
import type { Refusal } from './stages.ts';

/** Leads from a price to the description of all that is for sale (RFC 8631). */
const DESCRIPTION_LINK = '</openapi.json>; rel="service-desc"';

/** Where an answer goes, and what it may name. */
export interface AnswerContext {
  readonly res: ServerResponse;
  readonly runtime: Pick<Runtime, 'plan' | 'fields'>;
  readonly requestId: string;
  readonly notes: ExchangeNotes;
}

/** The price to state with a refusal. */
export interface Challenged {
  readonly open: OpenPrice;
  readonly resource: AskedResource;
}

/**
 * Writes a refusal. A 402 carries what each protocol of the route says of the price; without a protocol's body it is a
 * problem document (RFC 9457) with a stable `code`, as everything else is.
 */
export function answerRefusal(context: AnswerContext, refusal: Refusal, price: Challenged | undefined): void {
  const { code, reason, detail, settlement, retryAfterSeconds } = refusal;
  const headers: string[] = [];
  let body: ChallengeBody | undefined;
  if (ERROR_CODES[code].offersAgain && price !== undefined) {
    const stated = price.open.challenge.state(price.resource, refusal);
    headers.push(...stated.headers);
    if (context.runtime.plan.discovery !== undefined) headers.push('Link', DESCRIPTION_LINK);
    if (ERROR_CODES[code].status === 402) body = stated.body;
  }
  if (settlement !== undefined) {
    headers.push(...noticeHeaders(settlement).flat());
    context.notes.transaction = transactionOf(settlement.receipt);
  }
  context.notes.reason = reason;
  const problem = { code, ...(detail === undefined ? {} : { detail }), ...(reason === code ? {} : { error: reason }) };
  write(context, { code, headers, body, problem, retryAfterSeconds });
}

/**
 * Writes a fault as a problem document, with `extra` headers. What is no {@link GatewayError} is a bug: 500, and nothing of it
 * is shown.
 */
export function answerFault(
  context: AnswerContext,
  fault: unknown,
  extra: readonly (readonly [name: string, value: string])[] = [],
): void {
  const error = fault instanceof GatewayError ? fault : new GatewayError('internal_error', { cause: fault });
  context.notes.cause = error.cause ?? (fault instanceof GatewayError ? undefined : fault);
  const { code, detail, retryAfterSeconds } = error;
  const problem = { code, ...(detail === undefined ? {} : { detail }) };
  const retry = retryAfterSeconds ?? (error.meaning.status === 503 ? 1 : undefined);
  write(context, { code, headers: extra.flat(), body: undefined, problem, retryAfterSeconds: retry });
}

interface Answer {
  readonly code: ErrorCode;
  /** Flat list of names and values. */
  readonly headers: string[];
  /** A protocol's body; else the problem document is sent. */
  readonly body: ChallengeBody | undefined;
  readonly problem: { readonly code: ErrorCode; readonly detail?: string; readonly error?: string };
  readonly retryAfterSeconds: number | undefined;
}

function write({ res, runtime, requestId, notes }: AnswerContext, answer: Answer): void {
  notes.code = answer.code;
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const { status, title } = ERROR_CODES[answer.code];
  const contentType = answer.body?.contentType ?? 'application/problem+json';
  const body =
    answer.body?.text ?? JSON.stringify({ type: 'about:blank', title, status, ...answer.problem, requestId });
  const { headers } = answer;
  const length = Buffer.byteLength(body);
  headers.push('Content-Type', contentType);
  headers.push('Content-Length', String(length), 'Cache-Control', 'no-store', 'X-Request-Id', requestId);
  if (answer.retryAfterSeconds !== undefined) headers.push('Retry-After', String(answer.retryAfterSeconds));
  headers.push(...crossOriginHeaders(res.req, runtime));
  discardBody(res.req, res);
  notes.headAt = performance.now();
  // With its own reason phrase: an upstream's, set before a failed head, would stick.
  res.writeHead(status, STATUS_CODES[status] ?? '', headers);
  if (res.req.method === 'HEAD') res.end();
  // As many bytes as characters are ASCII, which needs no encoding.
  else res.end(body, length === body.length ? 'latin1' : 'utf8');
}
