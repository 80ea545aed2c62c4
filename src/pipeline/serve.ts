import type { Answer } from '../domain/answer.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Route } from '../domain/route.ts';
import { isFreeToAll, type SettleMode } from '../domain/route-price.ts';
import type { RequestOutcome, RequestSummary } from '../observe/observer.ts';
import type { StageFacts } from '../observe/tracer.ts';
import type { Client, ReceivedRequest } from '../proxy/client.ts';
import { clientAddress, clientGroup } from '../proxy/client-address.ts';
import type { RequestBody } from '../proxy/request-body.ts';
import { ClientGoneError } from '../proxy/upstream-fault.ts';
import { type Arrival, acceptRequest } from './accept.ts';
import { admitUnpaid, isOpenUnpaid } from './admit-unpaid.ts';
import { challengedOf, faultAnswer, refusalAnswer } from './answer.ts';
import { authorize } from './authorize.ts';
import { buyBalance, buysBalance, collectBalance } from './balance/buy-balance.ts';
import { serveByBalance } from './balance/serve-balance.ts';
import { type ChosenPrice, choosePrice } from './choose-price.ts';
import { isPreflight, preflightAnswer } from './cross-origin.ts';
import { type AcceptedHead, type AcceptedRequest, emptyNotes, type RoutedRequest } from './exchange.ts';
import { type Destination, endOf, openUpstream, relay } from './forward.ts';
import { matchRoute, resourceUrlOf } from './match.ts';
import { serveMcp } from './mcp/serve-mcp.ts';
import { type InMessage, isForTools, leadsElsewhere, serveTools } from './mcp/serve-tools.ts';
import { handOutAgain, isForLater, mayOpen, openByCookie, payForLater } from './open-later.ts';
import { broughtIn, hasPayment, protocolsOf, UNPAID } from './read-payment.ts';
import { readerFor } from './reader-for.ts';
import { relayPreflight } from './relay-preflight.ts';
import type { OpenPrice, Services } from './runtime.ts';
import { serveByAnswer } from './serve-by-answer.ts';
import { serveOnCredit } from './serve-deferred.ts';
import { isForDiscovery, serveDiscovery } from './serve-discovery.ts';
import { chargeThenServe, collect, serveThenCharge } from './serve-paid.ts';
import { serveAdmitted } from './serve-pass.ts';
import { decideInShadow, isShadowed } from './shadow.ts';
import {
  type Admission,
  type AuthorizedPayment,
  answered,
  type CollectablePayment,
  type Refusal,
  type Served,
  served,
} from './stages.ts';
import { takeForeign } from './take-foreign.ts';
import { kindOf, tracedNow } from './traced.ts';

/** The end of the line: how a request that may pass is carried to the upstream and back. */
export interface Transport {
  /** @param priced whether others pay for it, so that no shared cache may keep the answer */
  serveFree(request: AcceptedRequest, destination: Destination, priced?: boolean): Promise<Served>;
  servePaid(request: RoutedRequest, authorized: AuthorizedPayment, services: Services): Promise<Served | Refusal>;
  /** Serves a request that a pass opened. */
  serveAdmitted(request: RoutedRequest, admission: Admission, services: Services): Promise<Served | Refusal>;
  /** Serves a payment that was settled before and whose answer did not arrive. */
  collect(request: RoutedRequest, collectable: CollectablePayment, services: Services): Promise<Served | Refusal>;
}

/**
 * Serves one request. The whole story, from top to bottom:
 *
 * `accept → canonical path → match → [admit] → authorize → claim → [settle before] → open upstream → [settle after] →
 * [issue pass] → relay → record`
 *
 * Never rejects: every fault becomes a response here, in one place.
 *
 * @param inside where it stands for a message of another request: the gateway is a server of tools then
 */
export async function serve(
  { head, client }: ReceivedRequest,
  services: Services,
  transport: Transport = HTTP,
  inside?: InMessage,
): Promise<void> {
  const startedAt = performance.now();
  const notes = emptyNotes();
  const requestId = services.newRequestId();
  const arrival = { head, client, runtime: services.runtime(), requestId, notes };
  notes.trace = services.tracer?.begin(head.headers, arrival.runtime.trustedPeers.has(head.peer));
  let accepted: AcceptedRequest | undefined;
  let outcome: RequestOutcome;
  try {
    const read = tracedNow(notes.trace, 'accept', () => acceptAndMatch(arrival), factsOfMatch);
    if (inside !== undefined && inside.route !== notes.route) throw leadsElsewhere();
    accepted = {
      ...read,
      ...(inside === undefined ? {} : { payments: inside.payments, form: inside.form }),
      withheld: withheldBy(notes.route),
      client,
      clientGone: client.departure,
      body: bodyIn(arrival, services),
    };
    const result = await route(accepted, notes.route, services, transport);
    ({ outcome } = result);
    if (result.answer !== undefined) write(arrival, result.answer);
  } catch (fault) {
    const isGone = fault instanceof ClientGoneError || accepted?.clientGone.aborted === true;
    outcome = isGone ? 'client_gone' : outcomeOf(fault);
    if (isGone) notes.cause = fault;
    else write(arrival, faultAnswer(arrival, fault));
  }
  observe(services, arrival, outcome, startedAt);
}

/** A request as it arrived, with its client. */
interface Connected extends Arrival {
  readonly client: Client;
}

/** The one place where an answer of the gateway's own goes out. */
function write({ client, notes }: Connected, answer: Answer): void {
  notes.headAt = performance.now();
  client.answer(answer);
}

function bodyIn({ head, client, runtime }: Connected, { limiters }: Services): RequestBody | undefined {
  const { bodyBytes, bodiesInMemory } = runtime.plan.limits;
  return client.body(head, {
    mostBytes: bodyBytes,
    hold: () => limiters.bodies.hold(bodiesInMemory, clientGroup(head, runtime.trustedPeers)),
  });
}

function acceptAndMatch(arrival: Arrival): AcceptedHead {
  const accepted = acceptRequest(arrival);
  arrival.notes.route = matchRoute(accepted);
  return accepted;
}

/** A key of a customer that the API shall not see, on whatever request of its route. */
function withheldBy(matched: Route | undefined): string | undefined {
  return matched?.keys?.forward === false ? matched.keys.header : undefined;
}

function factsOfMatch({ notes }: AcceptedHead): StageFacts {
  return { outcome: notes.route === undefined ? 'unmatched' : 'matched' };
}

function outcomeOf(fault: unknown): RequestOutcome {
  return fault instanceof GatewayError && fault.meaning.source === 'client' ? 'refused' : 'failed';
}

function route(
  request: AcceptedRequest,
  matched: Route | undefined,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { runtime, method, path } = request;
  if (isForDiscovery(request, matched)) return serveDiscovery(request);
  if (isForTools(request)) {
    // The request that a call stands for is served by the plan that listed its tool.
    const same = { ...services, runtime: () => runtime };
    return serveTools(request, (received, inside) => serve(received, same, transport, inside));
  }
  if (matched === undefined) {
    const { unmatched } = runtime.plan;
    if (unmatched.kind === 'deny')
      throw new GatewayError('route_not_found', { detail: `No route for ${method} ${path}.` });
    const { upstream } = unmatched;
    return transport.serveFree(request, { upstream, rewrite: undefined, timeoutMs: upstream.timeoutMs });
  }
  if (matched.mcp !== undefined && !isPreflight(request.head)) {
    return serveMcp(request, { route: matched, terms: matched.mcp }, services, {
      free: (message) => transport.serveFree(message, matched, true),
      paid: (call, price) => enforce(call, matched, { price, pricedBody: undefined }, services, transport),
    });
  }
  if (isFreeToAll(matched)) return transport.serveFree(request, matched);
  if (isPreflight(request.head)) return servePreflight(request, matched);
  const choosing = choosePrice(request, matched);
  const serveAt = (chosen: ChosenPrice): Promise<Served> => serveChosen(request, matched, chosen, services, transport);
  return choosing instanceof Promise ? choosing.then(serveAt) : serveAt(choosing);
}

function serveChosen(
  request: AcceptedRequest,
  matched: Route,
  chosen: ChosenPrice,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { price } = chosen;
  // Others pay for what has the same URL.
  if (price.kind === 'free') return transport.serveFree(request, matched, true);
  return enforce(request, matched, { ...chosen, price }, services, transport);
}

async function servePreflight(request: AcceptedRequest, matched: Route): Promise<Served> {
  const { head, body, runtime } = request;
  // One with a body is none that a browser sends: the API is not asked for free.
  if (runtime.plan.cors === 'api' && body === undefined) return await relayPreflight(request, matched);
  return answered('preflight', preflightAnswer(head, runtime.fields));
}

/** A request that has a price: pays, shows what admits, or gets the price. */
async function enforce(
  request: AcceptedRequest,
  matched: Route,
  chosen: Pick<RoutedRequest, 'price' | 'pricedBody'>,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const resourceUrl = resourceUrlOf(request, matched);
  const routed: RoutedRequest = { ...request, ...chosen, route: matched, resourceUrl };
  const open = request.runtime.openPrice(matched, chosen.price);
  if (isShadowed(request, matched)) return await serveInShadow(routed, open, services, transport);
  // Asked for its price, which is most of what a priced route is asked for: nothing has to be waited for.
  const broughtBy = broughtIn(routed, protocolsOf(routed));
  const isAsked = !isOpenUnpaid(matched, open) && broughtBy === undefined && !mayOpen(routed);
  const result = isAsked
    ? tracedNow(request.notes.trace, 'authorize', () => UNPAID, kindOf)
    : await servePriced(routed, open, services, transport);
  if (result.kind === 'served') return result;
  return answered('refused', refusalAnswer(request, result, challengedOf(routed, { broughtBy })));
}

async function servePriced(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
  transport: Transport,
): Promise<Served | Refusal> {
  const kept = mayOpen(request) && !hasPayment(request);
  const opened = kept ? await openByCookie(request, open, services) : undefined;
  if (opened?.kind === 'refusal') return opened;
  if (opened !== undefined) return await transport.collect(request, opened, services);
  const admitting = admitUnpaid(request, open, services);
  const admitted = admitting instanceof Promise ? await admitting : admitting;
  if (admitted?.kind === 'refusal') return admitted;
  if (admitted !== undefined) return await transport.serveAdmitted(request, admitted, services);
  const authorized = await authorize(request, open, services);
  switch (authorized.kind) {
    case 'refusal':
      return authorized;
    case 'collectable':
      return await transport.collect(request, authorized, services);
    case 'authorized': {
      const { foreign } = authorized;
      if (foreign === undefined) return await transport.servePaid(request, authorized, services);
      const taken = await takeForeign(request, authorized, foreign, services);
      return taken.kind === 'refusal' ? taken : await transport.collect(request, taken, services);
    }
  }
}

/** Served as a free route, beside the question what it would have cost: the answer waits for nobody. */
async function serveInShadow(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { notes, route } = request;
  const decided = decideInShadow(request, open, services);
  try {
    const { outcome } = await transport.serveFree(request, route, true);
    return served(outcome === 'free' ? 'shadow' : outcome);
  } finally {
    notes.shadow = await decided;
  }
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
  // An answer that says how much it costs is not kept for later.
  const later = isForLater(request) && (reader === undefined || reader.allOrNothing === true);
  if (later) return payForLater(request, { authorized, reader }, services);
  if (buysBalance(request.price, authorized.payment.offer)) return buyBalance(request, authorized, services);
  if (reader !== undefined) return serveByAnswer(request, { authorized, reader }, services);
  return SERVE_BY_MODE[request.price.settle](request, authorized, services);
}

/** Plain HTTP: a request goes out, a response comes back. */
const HTTP: Transport = {
  serveFree: forwardFree,
  servePaid,
  serveAdmitted: async (request, admission, services) =>
    admission.balance === undefined
      ? await serveAdmitted(request, admission)
      : await serveByBalance(request, admission, admission.balance, services),
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

function observe(services: Services, arrival: Connected, outcome: RequestOutcome, startedAt: number): void {
  const { head, client, requestId, notes } = arrival;
  const { path, route, code, reason, protocol, payer, transaction, shadow, pass, upstreamMs, cause } = notes;
  const { headAt, passUse, catalogued, trace } = notes;
  if (passUse !== undefined && route !== undefined) {
    services.observer.passNoted({ kind: passUse, route: route.name });
  }
  const summary: RequestSummary = {
    path,
    route,
    outcome,
    code,
    reason,
    protocol,
    payer,
    transaction,
    shadow,
    pass,
    catalogued,
    upstreamMs,
    cause,
    client: arrival.runtime.plan.log.clientAddress ? clientAddress(head, arrival.runtime.trustedPeers) : undefined,
    traceId: trace?.id,
    headMs: headAt === undefined ? undefined : headAt - startedAt,
    requestId,
    method: head.method,
    status: client.status,
    durationMs: performance.now() - startedAt,
  };
  services.observer.requestFinished(summary);
  trace?.end(summary);
}
