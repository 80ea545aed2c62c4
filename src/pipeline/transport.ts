import { GatewayError } from '../domain/gateway-error.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { Route } from '../domain/route.ts';
import type { SettleMode } from '../domain/route-price.ts';
import { isForLater } from './answer-later.ts';
import { buyBalance, buysBalance, collectBalance } from './balance/buy-balance.ts';
import { serveByBalance } from './balance/serve-balance.ts';
import type { AcceptedRequest, RoutedRequest } from './exchange.ts';
import { type Destination, endOf, openUpstream, relay } from './forward.ts';
import { handOutAgain, payForLater } from './open-later.ts';
import { readerFor } from './reader-for.ts';
import { relayPreflight } from './relay-preflight.ts';
import type { Runtime, Services } from './runtime.ts';
import { serveByAnswer } from './serve-by-answer.ts';
import { collect } from './serve-charged.ts';
import { serveOnCredit } from './serve-deferred.ts';
import { chargeThenServe, serveThenCharge } from './serve-paid.ts';
import { serveAdmitted } from './serve-pass.ts';
import {
  type Admission,
  type AuthorizedPayment,
  type CollectablePayment,
  type Refusal,
  type Served,
  served,
} from './stages.ts';

/** Carries a request that may pass to the upstream and back: the last stage. */
export interface Transport {
  /**
   * The head of the request that a message asks about. Absent: the message is the request.
   *
   * @throws GatewayError for a message that does not say, or may not
   */
  readonly described?: (message: RequestHead, runtime: Runtime) => RequestHead;
  /** Whether the connection goes on after the answer, with messages that nobody prices. Absent: no. */
  readonly opensTunnel?: boolean;
  /** @param priced whether other requests pay for it: then no shared cache may store the answer */
  serveFree(request: AcceptedRequest, destination: Destination, priced?: boolean): Promise<Served>;
  /** Has the API answer a CORS preflight, which is free (`cors: api`). */
  servePreflight(request: AcceptedRequest, route: Route): Promise<Served>;
  servePaid(request: RoutedRequest, authorized: AuthorizedPayment, services: Services): Promise<Served | Refusal>;
  /** Serves a request that a pass opened. */
  serveAdmitted(request: RoutedRequest, admission: Admission, services: Services): Promise<Served | Refusal>;
  /** Serves a payment that was settled before and whose answer did not arrive. */
  collect(request: RoutedRequest, collectable: CollectablePayment, services: Services): Promise<Served | Refusal>;
}

/**
 * Refuses a tunnel on a route where each message has its price: one request would open a way for any number of them.
 *
 * @throws GatewayError `upgrade_unsupported`
 */
export function refuseTunnel({ opensTunnel }: Transport): void {
  if (opensTunnel === true)
    throw new GatewayError('upgrade_unsupported', { detail: 'What this route costs is said by each message.' });
}

const SERVE_BY_MODE: Readonly<Record<SettleMode, Transport['servePaid']>> = {
  after: serveThenCharge,
  before: chargeThenServe,
  deferred: serveOnCredit,
};

function servePaid(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
): Promise<Served | Refusal> {
  const reader = readerFor(request, { protocol: authorized.protocol, offer: authorized.payment.offer }, services);
  // An answer that states its own cost cannot be collected later.
  const later = isForLater(request) && (reader === undefined || reader.allOrNothing === true);
  if (later) return payForLater(request, { authorized, reader }, services);
  if (buysBalance(request.price, authorized.payment.offer)) return buyBalance(request, authorized, services);
  if (reader !== undefined) return serveByAnswer(request, { authorized, reader }, services);
  return SERVE_BY_MODE[request.price.settle](request, authorized, services);
}

/** Plain HTTP: one request, one response. */
export const HTTP: Transport = {
  serveFree: forwardFree,
  servePreflight: relayPreflight,
  servePaid,
  serveAdmitted: (request, admission, services) =>
    admission.balance === undefined
      ? serveAdmitted(request, admission)
      : serveByBalance(request, admission, admission.balance, services),
  collect: collectPaid,
};

function collectPaid(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
): Promise<Served | Refusal> {
  if (isForLater(request)) return handOutAgain(request, collectable, services);
  return (buysBalance(request.price, collectable.offer) ? collectBalance : collect)(request, collectable, services);
}

async function forwardFree(request: AcceptedRequest, destination: Destination, priced = false): Promise<Served> {
  const response = await openUpstream(request, destination);
  return served(endOf(await relay(request, response, priced, []), 'free'));
}
