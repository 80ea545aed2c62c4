import type { Answer } from '../domain/answer.ts';
import { ERROR_CODES, GatewayError } from '../domain/gateway-error.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { Route } from '../domain/route.ts';
import { isFreeToAll } from '../domain/route-price.ts';
import type { RequestOutcome, RequestSummary } from '../observe/observer.ts';
import type { StageFacts } from '../observe/tracer.ts';
import type { Client, ReceivedRequest } from '../proxy/client.ts';
import { clientAddress, clientGroup } from '../proxy/client-address.ts';
import type { BodyTerms } from '../proxy/received-body.ts';
import { A_TURN, type BodyHold, type RequestBody } from '../proxy/request-body.ts';
import { ClientGoneError, RequestCutError } from '../proxy/upstream-fault.ts';
import { type Arrival, acceptRequest } from './accept.ts';
import { faultAnswer } from './answer.ts';
import { type ChosenPrice, choosePrice, PriceOfBody } from './choose-price.ts';
import { isPreflight, preflightAnswer } from './cross-origin.ts';
import { enforce } from './enforce.ts';
import { type AcceptedHead, type AcceptedRequest, emptyNotes } from './exchange.ts';
import { matchRoute } from './match.ts';
import { type McpRoute, serveMcp } from './mcp/serve-mcp.ts';
import { type InMessage, isForTools, leadsElsewhere, serveTools } from './mcp/serve-tools.ts';
import type { Runtime, Services } from './runtime.ts';
import { isForDiscovery, serveDiscovery } from './serve-discovery.ts';
import { isShadowed } from './shadow.ts';
import { answered, type Served } from './stages.ts';
import { tracedNow } from './traced.ts';
import { HTTP, refuseTunnel, type Transport } from './transport.ts';

/**
 * Serves one request, in these stages:
 *
 * `accept → canonical path → match → [admit] → authorize → claim → [settle before] → open upstream → [settle after] →
 * [issue pass] → relay → record`
 *
 * Never rejects: every fault becomes a response here, in one place.
 *
 * @param inside the message that the request stands for, where the gateway is a server of tools
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
    const read = tracedNow(notes.trace, 'accept', () => acceptAndMatch(arrival, transport), factsOfMatch);
    if (inside !== undefined && inside.route !== notes.route) throw leadsElsewhere();
    const { method, path, query, proto, host, publicOrigin } = read;
    // Member by member: every request makes one, and a copy by `...` with added members takes twice as long.
    accepted = {
      head: read.head,
      runtime: arrival.runtime,
      requestId,
      method,
      path,
      query,
      proto,
      host,
      publicOrigin,
      notes,
      payments: inside?.payments,
      form: inside?.form,
      withheld: withheldBy(notes.route),
      client,
      clientGone: client.departure,
      body: bodyIn(arrival, read.head, services),
    };
    let serving = route(accepted, notes.route, services, transport);
    if (serving instanceof PriceOfBody) {
      // Not in an async function of its own: its promises would take as much time as choosing the price.
      await A_TURN;
      serving = serveByBody(accepted, serving, services, transport);
    }
    const result = await serving;
    ({ outcome } = result);
    if (result.answer !== undefined) write(arrival, result.answer);
  } catch (fault) {
    const isGone = fault instanceof ClientGoneError || accepted?.clientGone.aborted === true;
    outcome = isGone ? 'client_gone' : outcomeOf(fault);
    if (isGone) notes.cause = fault;
    else write(arrival, faultAnswer(arrival, fault));
  }
  if (outcome === 'client_gone' && client.departure.isCut) {
    outcome = 'failed';
    notes.code = 'shutting_down';
    notes.cause = new RequestCutError();
  }
  observe(services, arrival, accepted?.head ?? head, outcome, startedAt);
}

/** A request as it arrived, with its client. */
interface Connected extends Arrival {
  readonly client: Client;
}

/** The only place where the gateway's own answers are written. */
function write({ client, notes }: Connected, answer: Answer): void {
  notes.headAt = performance.now();
  client.answer(answer);
}

function bodyIn({ client, runtime }: Connected, head: RequestHead, { limiters }: Services): RequestBody | undefined {
  return client.body(head, new BodyTermsOfClient(head, runtime, limiters));
}

/** The bounds of a body, by the plan that was in force when its request arrived. */
class BodyTermsOfClient implements BodyTerms {
  readonly #head: RequestHead;
  readonly #runtime: Runtime;
  readonly #limiters: Services['limiters'];

  constructor(head: RequestHead, runtime: Runtime, limiters: Services['limiters']) {
    this.#head = head;
    this.#runtime = runtime;
    this.#limiters = limiters;
  }

  get mostBytes(): number | undefined {
    return this.#runtime.plan.limits.bodyBytes;
  }

  hold(): BodyHold {
    const { plan, trustedPeers } = this.#runtime;
    return this.#limiters.bodies.hold(plan.limits.bodiesInMemory, clientGroup(this.#head, trustedPeers));
  }
}

function acceptAndMatch(arrival: Arrival, { described }: Transport): AcceptedHead {
  const { head, runtime } = arrival;
  const accepted = acceptRequest(described === undefined ? arrival : { ...arrival, head: described(head, runtime) });
  arrival.notes.route = matchRoute(accepted);
  return accepted;
}

/** Name of the header with a customer's key, which the API must not see on any request of the route. */
function withheldBy(matched: Route | undefined): string | undefined {
  return matched?.keys?.forward === false ? matched.keys.header : undefined;
}

function factsOfMatch({ notes }: AcceptedHead): StageFacts {
  return { outcome: notes.route === undefined ? 'unmatched' : 'matched' };
}

function outcomeOf(fault: unknown): RequestOutcome {
  return fault instanceof GatewayError && fault.meaning.source === 'client' ? 'refused' : 'failed';
}

/** Serves a request, unless its body decides what it costs. */
function route(
  request: AcceptedRequest,
  matched: Route | undefined,
  services: Services,
  transport: Transport,
): Promise<Served> | PriceOfBody {
  const { runtime, method, path } = request;
  if (isForDiscovery(request, matched)) return serveDiscovery(request);
  if (isForTools(request)) return serveOwnTools(request, services, transport);
  if (matched === undefined) {
    const { unmatched } = runtime.plan;
    if (unmatched.kind === 'deny')
      throw new GatewayError('route_not_found', { detail: `No route for ${method} ${path}.` });
    const { upstream } = unmatched;
    return transport.serveFree(request, { upstream, rewrite: undefined, timeoutMs: upstream.timeoutMs });
  }
  if (matched.mcp !== undefined && !isPreflight(request.head)) {
    if (!isShadowed(request, matched)) refuseTunnel(transport);
    return serveMessages(request, { route: matched, terms: matched.mcp }, services, transport);
  }
  if (isFreeToAll(matched)) return transport.serveFree(request, matched);
  if (isPreflight(request.head)) return servePreflight(request, matched, transport);
  const choosing = choosePrice(request, matched);
  if (!(choosing instanceof PriceOfBody)) return serveChosen(request, matched, choosing, services, transport);
  if (choosing.mayCost && !isShadowed(request, matched)) refuseTunnel(transport);
  return choosing;
}

/** The gateway as a server of tools. The request behind a call is served by the plan that listed the tool. */
function serveOwnTools(request: AcceptedRequest, services: Services, transport: Transport): Promise<Served> {
  const { runtime } = request;
  const same = { ...services, runtime: () => runtime };
  return serveTools(request, (received, inside) => serve(received, same, transport, inside));
}

/** A route in front of a server of tools. */
function serveMessages(
  request: AcceptedRequest,
  served: McpRoute,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { route } = served;
  return serveMcp(request, served, services, {
    free: (message) => transport.serveFree(message, route, true),
    paid: (call, price) => enforce(call, route, { price, pricedBody: undefined }, services, transport),
  });
}

/** Serves a request whose body decides what it costs. */
function serveByBody(
  request: AcceptedRequest,
  choosing: PriceOfBody,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { route } = choosing;
  const arrived = choosing.readArrived();
  if (arrived !== undefined) return serveChosen(request, route, choosing.choose(arrived), services, transport);
  return serveByLateBody(request, choosing, services, transport);
}

/** The same where the body is waited for. */
async function serveByLateBody(
  request: AcceptedRequest,
  choosing: PriceOfBody,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const chosen = choosing.choose(await choosing.read());
  return await serveChosen(request, choosing.route, chosen, services, transport);
}

function serveChosen(
  request: AcceptedRequest,
  matched: Route,
  chosen: ChosenPrice,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { price, pricedBody } = chosen;
  // Other requests for the same URL are paid.
  if (price.kind === 'free') return transport.serveFree(request, matched, true);
  return enforce(request, matched, { price, pricedBody }, services, transport);
}

async function servePreflight(request: AcceptedRequest, matched: Route, transport: Transport): Promise<Served> {
  const { head, body, runtime } = request;
  // Browsers send preflights without a body. Relaying one with a body would be a free way to the API.
  if (runtime.plan.cors === 'api' && body === undefined) return await transport.servePreflight(request, matched);
  return answered('preflight', preflightAnswer(head, runtime.fields));
}

/** The status of a request whose client left before the head of its answer, as nginx logs it. */
const NO_ANSWER = 499;

/** The status that is logged: of an answer that has begun it is its own. */
function statusOf({ client, notes }: Connected, outcome: RequestOutcome): number {
  if (notes.headAt !== undefined) return client.status;
  if (client.departure.isCut) return ERROR_CODES.shutting_down.status;
  return outcome === 'client_gone' ? NO_ANSWER : client.status;
}

function observe(
  services: Services,
  arrival: Connected,
  head: RequestHead,
  outcome: RequestOutcome,
  startedAt: number,
): void {
  const { requestId, notes } = arrival;
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
    status: statusOf(arrival, outcome),
    durationMs: performance.now() - startedAt,
  };
  services.observer.requestFinished(summary);
  trace?.end(summary);
}
