import type { AnswerReader } from '../domain/answer-reader.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { isPrefetch } from '../domain/request-head.ts';
import { carriedPayments, MOST_PAYMENT_COOKIE, paymentCookie } from '../proxy/carried-token.ts';
import { findHeld } from './authorize.ts';
import { browserPath } from './browser-path.ts';
import { charge } from './charge.ts';
import type { ClaimedPayment } from './claim.ts';
import { crossOriginHeaders } from './cross-origin.ts';
import type { RoutedRequest } from './exchange.ts';
import { issuePass } from './issue-pass.ts';
import { credentialOf, judgeCredential, protocolsOf } from './read-payment.ts';
import { noticeHeaders } from './refusal.ts';
import type { OpenPrice, Services } from './runtime.ts';
import { serveByAnswer } from './serve-by-answer.ts';
import { serveThenCharge } from './serve-paid.ts';
import { deliveredNotice } from './settlement-notice.ts';
import {
  type AuthorizedPayment,
  answered,
  type CollectablePayment,
  type Refusal,
  type Served,
  type SettlementNotice,
  served,
} from './stages.ts';
import { type Ends, withClaim } from './with-claim.ts';

/*
 * How a browser buys. The answer has to come by an ordinary navigation, which cannot carry a payment header. So the
 * page pays first, by a request whose answer comes later, and then navigates with a cookie.
 *
 *   page     GET, PAYMENT-SIGNATURE, X402-Answer: later
 *   gateway  claim → [upstream's status] → settle → undelivered; 204, receipt, cookie with that payment
 *   browser  GET, Cookie: …turnpike_payment
 *   gateway  undelivered → delivering → upstream → delivered
 *
 * Every step is a step of the ledger, so that a crash has the same effects as for any paid request. Before `settling`
 * nothing moved, and the page sends the same payment again. In `settling` recovery finds the outcome. The page keeps
 * the payment until it is answered, and asks again: 503, then 204. In `delivering`, before the step to `undelivered`,
 * recovery moves the payment there, because the method is safe. In `undelivered` the payment waits for its cookie, or
 * for its header, for `retryWindow`. A browser that crashes before the cookie came has the payment in its storage, and
 * gets the cookie when it sends the payment again.
 *
 * The cookie opens only what was settled. It claims nothing, so that another site cannot make the browser spend money.
 * The ledger binds it to route, method, host, path and query. Navigations from other sites come without it
 * (`SameSite=Strict`), scripts cannot read it, and it does not open requests of scripts.
 */

/**
 * A payment whose answer is opened later, and the reader that says whether the answer is charged, where its status does
 * not.
 */
interface LaterPayment {
  readonly authorized: AuthorizedPayment;
  readonly reader: AnswerReader | undefined;
}

/** Settles a payment in the mode of its route, and leaves its answer to the navigation that follows. */
export async function payForLater(
  request: RoutedRequest,
  { authorized, reader }: LaterPayment,
  services: Services,
): Promise<Served | Refusal> {
  refuseUncarriable(request);
  const keep = async (claimed: ClaimedPayment, notice: SettlementNotice): Promise<Served> => {
    await claimed.move({ to: 'undelivered', reason: 'to be opened by a navigation' });
    return answerLater(request, notice);
  };
  const ends: Ends = {
    // Only the status was needed, to know whether the answer is charged.
    deliver(_request, { claimed, response, notice }) {
      response.discard();
      return keep(claimed, notice);
    },
    collect: handOutAgain,
  };
  if (reader !== undefined) return await serveByAnswer(request, { authorized, reader, ends }, services);
  if (request.price.settle !== 'before') return await serveThenCharge(request, authorized, services, ends);
  const chargeAndKeep = async (claimed: ClaimedPayment): Promise<Served | Refusal> => {
    const charged = await charge(request, claimed, authorized, services);
    return charged.kind === 'refusal' ? charged : await keep(claimed, charged.notice);
  };
  return await withClaim(request, authorized, 'before', services, chargeAndKeep, ends);
}

/** The payment was settled by an earlier request whose 204 did not arrive. Its state does not change. */
export async function handOutAgain(
  request: RoutedRequest,
  { record, offer, protocol }: CollectablePayment,
  services: Services,
): Promise<Served> {
  refuseUncarriable(request);
  const pass = await issuePass(request, record, offer, services);
  return answerLater(request, deliveredNotice(request, { record, offer, protocol, pass }));
}

/** A payment too long for a cookie could never be opened: it is refused before the money moves. */
function refuseUncarriable(request: RoutedRequest): void {
  const text = credentialOf(request, protocolsOf(request))?.text ?? '';
  if (text.length <= MOST_PAYMENT_COOKIE) return;
  throw new GatewayError('payment_header_too_large', {
    detail: `An answer that comes later takes payments of up to ${MOST_PAYMENT_COOKIE} characters.`,
  });
}

function answerLater(request: RoutedRequest, notice: SettlementNotice): Served {
  const { head, clientGone, runtime, requestId, notes, publicOrigin } = request;
  const payment = credentialOf(request, protocolsOf(request))?.text ?? '';
  if (notice.receipt.kind === 'settled') notes.transaction = notice.receipt.transaction;
  if (clientGone.aborted) return served('client_gone');
  const cookie = paymentCookie({
    payment,
    path: browserPath(request, sentPath(head.target)),
    tls: publicOrigin.startsWith('https:'),
    maxAgeSeconds: Math.max(1, Math.floor(runtime.plan.retryWindowMs / 1000)),
  });
  const headers = [
    // Nothing is delivered yet: the navigation that follows gets the signed receipt.
    ...noticeHeaders({ ...notice, attest: undefined }, 204).flat(),
    ...['Set-Cookie', cookie, 'Cache-Control', 'no-store', 'X-Request-Id', requestId],
    ...crossOriginHeaders(head, runtime),
  ];
  const answer = { status: 204, reason: undefined, headers, body: undefined, encoding: 'utf8', dated: true } as const;
  return answered('kept', answer);
}

/** The path as it was sent: browsers compare it with the cookie's, escapes included. */
function sentPath(target: string): string {
  return target.startsWith('/') ? (target.split('?', 1)[0] ?? '/') : new URL(target).pathname;
}

/** Whether a navigation carries the cookie of a payment. Called for every request of a priced route. */
export function mayOpen({ method, head }: Pick<RoutedRequest, 'method' | 'head'>): boolean {
  const { headers } = head;
  if (headers.cookie === undefined || method !== 'GET' || headers['upgrade'] !== undefined) return false;
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined && mode !== 'navigate') return false;
  // Its user may never see the page, which is paid once.
  if (isPrefetch(head)) return false;
  return carriedPayments(headers.cookie).length > 0;
}

/**
 * Looks for the answer that a navigation's cookie has paid for. `undefined` where the cookie opens nothing (any more):
 * the request goes on as if it had none.
 *
 * @throws GatewayError `store_unavailable`
 */
export async function openByCookie(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
): Promise<CollectablePayment | Refusal | undefined> {
  for (const text of carriedPayments(request.head.headers.cookie)) {
    const protocol = protocolsOf(request).find((each) => each.read(text).kind === 'submitted');
    if (protocol === undefined || text.length > MOST_PAYMENT_COOKIE) continue;
    const brought = await judgeCredential(request, { protocol, text }, open, services);
    if (brought.kind === 'refusal') continue;
    const found = await findHeld(request, brought, services);
    if (found?.kind === 'collectable' || (found !== undefined && IN_WORK.has(found.code))) return found;
  }
  return undefined;
}

/** Refusals after which the browser waits: its own answer is on its way, in another tab. */
const IN_WORK: ReadonlySet<Refusal['code']> = new Set(['payment_in_progress', 'settlement_unknown']);
