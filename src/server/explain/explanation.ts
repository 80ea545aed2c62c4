import { randomBytes } from 'node:crypto';
import { describePrice, describeRoute, type EntryDescription, type RouteDescription } from '../../config/describe.ts';
import { chargeText } from '../../domain/charge-rule.ts';
import { keysText } from '../../domain/customer-keys.ts';
import { type ErrorCode, GatewayError } from '../../domain/gateway-error.ts';
import { hostName } from '../../domain/host.ts';
import { Leases } from '../../domain/leases.ts';
import type { Plan } from '../../domain/plan.ts';
import type { Route } from '../../domain/route.ts';
import { isFreeToAll, type PaidPrice, type RoutePrice, requestsText } from '../../domain/route-price.ts';
import { clientText, limitText } from '../../domain/use-limit.ts';
import { acceptRequest } from '../../pipeline/accept.ts';
import { priceOfRequest } from '../../pipeline/choose-price.ts';
import { isPreflight } from '../../pipeline/cross-origin.ts';
import { type AcceptedHead, type AskingRequest, emptyNotes } from '../../pipeline/exchange.ts';
import { matchRoute, resourceUrlOf } from '../../pipeline/match.ts';
import { type AskedTool, readToolMessage, toolBody, toolHead } from '../../pipeline/mcp/read-tool-message.ts';
import { isForTools, leadsElsewhere } from '../../pipeline/mcp/serve-tools.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import { isForDiscovery } from '../../pipeline/serve-discovery.ts';
import { DID_PATH } from '../../protocol/offer-receipt/did-document.ts';
import { openProtocols } from '../../protocol/open-protocols.ts';
import { bodyOfBytes } from '../../proxy/kept-body.ts';
import { HealthBook } from '../../proxy/server-health.ts';
import { openUpstreamClient } from '../../proxy/upstream-connection.ts';
import { FacilitatorOpener, type Registry } from '../../registry.ts';
import { openAgents } from '../agents.ts';
import { openReceipts } from '../receipts.ts';
import { openRuntime, type RuntimeDeps } from '../runtime.ts';
import { type Destination, describeDestination } from './destination.ts';
import { headOf, type ImaginedRequest } from './imagined-request.ts';
import { mcpCostOf } from './mcp-price.ts';
import { whyMatched, whyUnmatched } from './why.ts';
import { whyVerified } from './why-verified.ts';

interface Asked {
  readonly request: Pick<ImaginedRequest, 'method' | 'target' | 'host'>;
}

/** What the gateway would do with a request, and why. Plain data, which `--json` prints. */
export type Explanation =
  | (Asked & {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: ErrorCode;
      readonly why: string;
    })
  | (Asked & {
      readonly kind: 'unmatched';
      readonly path: string;
      readonly why: readonly string[];
      readonly answer: string;
      readonly destination: Destination | undefined;
    })
  | (Asked & { readonly kind: 'discovery'; readonly path: string; readonly answer: string })
  | (Asked & { readonly kind: 'preflight'; readonly route: RouteDescription; readonly answer: string })
  | (Asked & {
      readonly kind: 'matched';
      /** Canonical: what is matched and what is forwarded. */
      readonly path: string;
      readonly route: RouteDescription;
      /** Which of several prices applies, or what their sum is made of. */
      readonly fits: EntryDescription | undefined;
      readonly why: readonly string[];
      readonly answer: string;
      /** The URL in the 402, which the buyer pays for; `undefined` on free routes. */
      readonly resourceUrl: string | undefined;
      readonly destination: Destination;
    });

/** Explains a request by the gateway's own stages, so that the explanation cannot differ from what happens. */
export async function explainRequest(plan: Plan, registry: Registry, imagined: ImaginedRequest): Promise<Explanation> {
  const { method, target, host } = imagined;
  const asked: Asked = { request: { method, target, host } };
  try {
    const protocols = await openProtocols(plan, registry, {
      terms: plan.protocolTerms,
      storeSecret: NO_SECRET,
      clock: Date.now,
    });
    const receipts = await openReceipts(plan, NO_SECRET, Date.now);
    const agents = await openAgents(plan, Date.now);
    const accepted = accept(plan, { protocols, receipts, agents }, imagined);
    return await explainAccepted({ ...accepted, body: imagined.body && bodyOfBytes(imagined.body) }, asked);
  } catch (fault) {
    if (!(fault instanceof GatewayError)) throw fault;
    const { code, meaning, message, detail } = fault;
    return { ...asked, kind: 'refused', status: meaning.status, code, why: detail ?? message };
  }
}

/** No buyer gets what is signed here. */
const NO_SECRET = async (): Promise<string> => randomBytes(32).toString('base64url');

/** Only the running gateway knows the offers from before this configuration. */
const NO_OFFERS_BEFORE = { of: () => [], lookUp: () => Promise.resolve() };

function accept(
  plan: Plan,
  parts: Pick<RuntimeDeps, 'protocols' | 'receipts' | 'agents'>,
  imagined: ImaginedRequest,
): AcceptedHead {
  // Without facilitators: nothing is verified here, and an open one would have to be closed.
  const health = new HealthBook();
  const opener = new FacilitatorOpener();
  const runtime: Runtime = openRuntime(
    { ...plan, facilitators: [], paywall: undefined },
    {
      ...parts,
      // Without facilitators offers learn nothing.
      schemes: [],
      recent: NO_OFFERS_BEFORE,
      facilitators: { lease: (spec) => opener.open(spec), release: () => Promise.resolve() },
      clients: Leases.closing(
        (upstream) => openUpstreamClient(upstream, health),
        () => {},
      ),
      health,
      onFacilitatorFault: () => {},
      accessTools: undefined,
      clock: Date.now,
    },
  );
  return acceptRequest({ head: headOf(imagined), runtime, requestId: '(a fresh id)', notes: emptyNotes() });
}

async function explainAccepted(accepted: AskingRequest, asked: Asked): Promise<Explanation> {
  const { head, method, path, host, runtime } = accepted;
  const { plan } = runtime;
  const route = matchRoute(accepted);
  if (isForDiscovery(accepted, route)) {
    const key = path === DID_PATH ? 'receipts' : 'discovery';
    const answer = `the gateway's own ${path}, free of charge and without the upstream; a route of exactly this path would win, and ${key}: off turns it off`;
    return { ...asked, kind: 'discovery', path, answer };
  }
  if (isForTools(accepted)) {
    const tool = await readToolMessage(accepted);
    if (tool.kind === 'tool') return await explainTool(accepted, tool);
    const answer = `the gateway's own, as a server of tools (MCP), free of charge and without the upstream; discovery: { mcp: false } turns it off`;
    return { ...asked, kind: 'discovery', path, answer };
  }
  if (route === undefined) return explainUnmatched(accepted, asked);
  const description = describeRoute(route);
  if (!isFreeToAll(route) && isPreflight(head)) {
    const answer =
      plan.cors === 'api'
        ? "the API's own, to the CORS preflight: it reaches the upstream without payment (cors: api)"
        : '204 to the CORS preflight, without payment and without the upstream';
    return { ...asked, kind: 'preflight', route: description, answer };
  }
  const { paid, fits } = await costOf(accepted, route);
  return {
    ...asked,
    kind: 'matched',
    path,
    route: description,
    fits: description.prices && fits,
    why: [...whyMatched(route, plan.routes, { method, host: hostName(host), path }), ...whyVerified(accepted, route)],
    answer: paid === undefined ? 'what the upstream answers, free of charge' : answerOf(route, paid),
    resourceUrl: paid === undefined ? undefined : resourceUrlOf(accepted, route),
    destination: describeDestination(accepted, route, paid),
  };
}

/** A call of a tool is explained as the request behind it. */
async function explainTool(accepted: AskingRequest, tool: AskedTool): Promise<Explanation> {
  const head = toolHead(accepted, tool);
  const inner = acceptRequest({ ...accepted, head, notes: emptyNotes() });
  if (matchRoute(inner) !== tool.tool.route) throw leadsElsewhere();
  const { method, target } = head;
  return await explainAccepted(
    { ...inner, body: toolBody(tool.written) },
    { request: { method, target, host: inner.host } },
  );
}

/** The price of a request, and which of the route's prices it is. */
async function costOf(
  accepted: AskingRequest,
  route: Route,
): Promise<{ readonly paid: PaidPrice | undefined; readonly fits: EntryDescription }> {
  const cost = route.mcp && (await mcpCostOf(accepted, route.mcp));
  if (cost?.kind === 'free') return { paid: undefined, fits: cost.fits };
  const { price } = cost ?? (await priceOfRequest(accepted, route));
  return { paid: price.kind === 'priced' ? price : undefined, fits: fitOf(price) };
}

/** The price of this request, and why: its conditions, or the parts of its sum. */
function fitOf(price: RoutePrice): EntryDescription {
  const sum = price.kind === 'priced' ? price.parts : undefined;
  const when = sum?.map(({ price: part, count }) => `${count} × (${requestsText(part)})`).join(' + ');
  return { id: price.id, when: when ?? requestsText(price), ...describePrice(price) };
}

function explainUnmatched(accepted: AcceptedHead, asked: Asked): Explanation {
  const { method, path, host, runtime } = accepted;
  const { unmatched, routes } = runtime.plan;
  const why = whyUnmatched(routes, { method, host: hostName(host), path });
  const common = { ...asked, kind: 'unmatched', path, why } as const;
  switch (unmatched.kind) {
    case 'deny':
      return { ...common, answer: '404 route_not_found (unmatched: deny)', destination: undefined };
    case 'pass': {
      const { upstream } = unmatched;
      const target = { upstream, rewrite: undefined, timeoutMs: upstream.timeoutMs };
      const destination = describeDestination(accepted, target, undefined);
      return { ...common, answer: 'what the upstream answers, free of charge (unmatched: pass)', destination };
    }
  }
}

function answerOf({ enforcePercent, free: quota, keys, mcp }: Route, price: PaidPrice): string {
  const free = 'what the upstream answers, free of charge';
  const isQuota = quota !== undefined && price.parts === undefined;
  const charged = [
    ...(keys === undefined ? [] : [`${free}, with one of ${keysText(keys)}`]),
    ...(isQuota ? [`${free}, for ${limitText(quota)} and ${clientText(quota)}`] : []),
    mcp === undefined ? chargedAnswerOf(price) : CALL_ANSWER,
  ].join('; else ');
  if (enforcePercent === 100) return charged;
  if (enforcePercent === 0) return `${free}, to every client (enforce: off), instead of ${charged}`;
  return `to ${enforcePercent}% of the clients ${charged}; to the others ${free} (enforce: ${enforcePercent}%)`;
}

const CALL_ANSWER =
  'a message that states the price, without payment; with one, the result once the money has moved, unless it says that it failed';

function chargedAnswerOf({ settle, metering, charge }: PaidPrice): string {
  if (metering !== undefined)
    return '402 without payment; with one, what the upstream answers, charged by what was used: settled first, or after a stream';
  if (charge.unlessJson.length > 0)
    return `402 without payment; with one, what the upstream answers, settled first if it is charged: ${chargeText(charge)}`;
  switch (settle) {
    case 'after':
      return '402 without payment; with one, what the upstream answers, settled first if its status is one that the route charges';
    case 'before':
      return '402 without payment; with one, the payment is settled, then the upstream is asked';
    case 'deferred':
      return '402 without payment; with one, what the upstream answers, and the payment is settled later';
  }
}
