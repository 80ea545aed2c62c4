import { TOOLS_PATH } from '../domain/api-tool.ts';
import type { DiscoveryTerms } from '../domain/discovery.ts';
import { isLoopback } from '../domain/loopback.ts';
import type { NetworkFamilies } from '../domain/network-family.ts';
import type { PaywallTerms } from '../domain/paywall.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import { RouteTable } from '../domain/route-table.ts';
import type { Scheme } from '../scheme/scheme.ts';
import { DEFAULT_ACCESS_TOKENS } from './access-keys.ts';
import { type AssetTable, networkName } from './asset-table.ts';
import { checkListeners, checkProxyProtocol, checkTrust } from './check-listeners.ts';
import { checkUpstreams } from './check-upstreams.ts';
import { compileAdmin } from './compile-admin.ts';
import { asAsked, checkAuthz } from './compile-authz.ts';
import { compileFacilitators, servedNetworks } from './compile-facilitators.ts';
import { compileLedger } from './compile-ledger.ts';
import { networksOf } from './compile-prices.ts';
import { compileProxies } from './compile-proxies.ts';
import { compileRoutes, passUpstream } from './compile-routes.ts';
import { compileWebhooks } from './compile-webhooks.ts';
import { soundValue } from './decoder.ts';
import { deepFreeze } from './deep-freeze.ts';
import { DEFAULT_DISCOVERY } from './discovery-keys.ts';
import { itemsOf } from './forms.ts';
import type { GatewayFields } from './gateway-keys.ts';
import { checkAgents } from './known-agent-keys.ts';
import { compileLimits } from './limit-keys.ts';
import { DEFAULT_LOG } from './log-keys.ts';
import { checkPayees } from './payee-keys.ts';
import { DEFAULT_PAYWALL } from './paywall-keys.ts';
import { protocolTerms } from './protocol-keys.ts';
import type { ProxyEnvironment } from './proxy-environment.ts';
import { compileReceipts } from './receipt-keys.ts';
import { warnOfRisks } from './risks.ts';
import type { Source } from './source.ts';
import { type LongForm, type TokenClaim, tokenClaims } from './token-claims.ts';

/** What most load balancers take to notice, where they probe every second. */
const DEFAULT_DRAIN_DELAY_MS = 2_000;

/** Longer than most load balancers keep theirs, 60 s. */
const DEFAULT_KEEP_ALIVE_MS = 65_000;

/** What the file is compiled against. */
export interface CompileWorld {
  readonly table: AssetTable;
  readonly schemes: readonly Scheme[];
  readonly families: NetworkFamilies;
  /** The proxies of the environment. */
  readonly proxies: ProxyEnvironment;
  /** What `workers: auto` means here. */
  readonly cpus: number;
}

/** A plan, and its statements about tokens that only their contracts can confirm. */
export interface Compiled {
  readonly plan: Plan;
  readonly claims: readonly TokenClaim[];
}

/**
 * Compiles the decoded file into a plan, frozen in depth. Every problem is reported to `source`; a plan comes back only
 * when there is none.
 */
export function compile(file: GatewayFields, world: CompileWorld, source: Source): Compiled | undefined {
  const gateway = asAsked(file);
  const { table, cpus } = world;
  const specs = compileFacilitators(gateway, source);
  const longForms: LongForm[] = [];
  const routes = compileRoutes(gateway, offerInputsOf(gateway, world, longForms), source);
  checkAssetNetworks(gateway, table, source);
  const accepts = [gateway.accepts, ...itemsOf(gateway.routes).map((route) => route.accepts)];
  checkPayees(gateway.payTo, accepts.flatMap(networksOf), source);
  const pass = passUpstream(gateway, source);
  const limits = compileLimits(soundValue(gateway.limits), source);
  const ledger = compileLedger(gateway, cpus, source);
  const webhooks = compileWebhooks(gateway, routes, source);
  checkListeners(gateway, source);
  checkUpstreams(gateway, source);
  checkProxyProtocol(gateway, source);
  checkTrust(gateway, source);
  checkTracing(gateway, source);
  checkTools(gateway, routes, source);
  checkAgents(gateway.agents, source);
  checkAuthz(gateway, routes, source);
  const receipts = compileReceipts(gateway.receipts, gateway.publicUrl, source);
  const listen = soundValue(gateway.listen);
  const admin = compileAdmin(gateway.admin, itemsOf(gateway.adminHosts), source);
  const drain = compileDrain(gateway, source);
  if (source.problems.length > 0) return undefined;
  if (listen === undefined || admin === undefined || specs === undefined) return undefined;
  if (ledger === undefined || drain === undefined) return undefined;
  const proxies = compileProxies(specs, webhooks, world.proxies);
  const facilitators = specs.map((spec) => ({ ...spec, proxies }));
  const plan: Plan = {
    listen,
    authz: soundValue(gateway.authz),
    ...admin,
    tls: soundValue(gateway.tls),
    proxyProtocol: soundValue(gateway.proxyProtocol) ?? false,
    keepAliveTimeoutMs: soundValue(gateway.keepAliveTimeout) ?? DEFAULT_KEEP_ALIVE_MS,
    publicUrl: soundValue(gateway.publicUrl),
    trustedProxies: itemsOf(gateway.trustedProxies),
    routes,
    table: new RouteTable(routes),
    unmatched: pass === undefined ? { kind: 'deny' } : { kind: 'pass', upstream: pass },
    facilitators,
    proxies,
    cors: soundValue(gateway.cors) ?? 'gateway',
    readiness: soundValue(gateway.readiness) ?? 'process',
    foreignTransfers: soundValue(gateway.foreignTransfers) ?? 'refuse',
    limits,
    log: { ...(soundValue(gateway.log) ?? DEFAULT_LOG), clientAddress: soundValue(gateway.logClientAddress) ?? true },
    tracing: soundValue(gateway.tracing),
    discovery: discoveryTerms(gateway),
    paywall: paywallTerms(gateway),
    receipts,
    ...ledger,
    ...drain,
    webhooks,
    accessTokens: soundValue(gateway.accessTokens) ?? DEFAULT_ACCESS_TOKENS,
    protocolTerms: protocolTerms(gateway),
    agents: itemsOf(gateway.agents),
  };
  warnOfRisks(plan, gateway, source);
  const claims = tokenClaims(longForms, facilitators, gateway.facilitator.place, { table, source });
  return { plan: deepFreeze(plan), claims };
}

/** What reading a ledger takes of the file. */
export type BooksPlan = Pick<Plan, 'store' | 'routes'>;

/** Compiles as much of the file as reading its ledger takes, whatever else is wrong with it. */
export function compileBooks(file: GatewayFields, world: CompileWorld, source: Source): BooksPlan | undefined {
  const gateway = asAsked(file);
  const store = soundValue(gateway.store);
  return store && { store, routes: compileRoutes(gateway, offerInputsOf(gateway, world, []), source) };
}

function offerInputsOf(gateway: GatewayFields, { table, schemes, families }: CompileWorld, longForms: LongForm[]) {
  const { asset } = gateway;
  return { table, schemes, families, asset, served: servedNetworks(gateway), prices: new Map(), longForms };
}

function discoveryTerms({ discovery }: GatewayFields): DiscoveryTerms | undefined {
  const given = soundValue(discovery) ?? DEFAULT_DISCOVERY;
  return given === 'off' ? undefined : given;
}

/** The tools of the gateway are never in the way of a route. */
function checkTools({ discovery }: GatewayFields, routes: readonly Route[], source: Source): void {
  const terms = soundValue(discovery);
  if (terms === undefined || terms === 'off' || !terms.mcp) return;
  const taken = routes.find(({ pattern }) => pattern.text === TOOLS_PATH);
  if (taken === undefined) return;
  source.report(
    discovery.place,
    `mcp: true takes ${TOOLS_PATH}, which is the path of ${taken.name}`,
    'another path for that route',
  );
}

function paywallTerms({ paywall }: GatewayFields): PaywallTerms | undefined {
  const given = soundValue(paywall) ?? DEFAULT_PAYWALL;
  return given === 'off' ? undefined : given;
}

/** A contract's address means another contract, or none, on another network. */
function checkAssetNetworks(gateway: GatewayFields, table: AssetTable, source: Source): void {
  if (soundValue(gateway.asset)?.kind !== 'long') return;
  const lists = [gateway.accepts, ...itemsOf(gateway.routes).map((route) => route.accepts)];
  const inheriting = lists.flatMap(itemsOf).filter(({ asset }) => asset === undefined || asset.kind === 'absent');
  const networks = new Set(inheriting.flatMap((accept) => soundValue(accept.network) ?? []));
  if (networks.size < 2) return;
  const names = [...networks].map((network) => networkName(table, network)).join(' and ');
  source.report(gateway.asset.place, `one contract cannot be on ${names}`, 'the long form in the entries of accepts');
}

/** Spans alone are no secret; what the headers hold usually is. */
function checkTracing({ tracing }: GatewayFields, source: Source): void {
  const spec = soundValue(tracing);
  if (spec === undefined || spec.headers.length === 0 || spec.url.startsWith('https:')) return;
  if (isLoopback(new URL(spec.url).hostname)) return;
  source.warn(
    tracing.place,
    'the headers of tracing are sent without TLS: whoever is in between can read them',
    'an https URL',
  );
}

/** A delay that leaves no time would cut every request that is in flight when it ends. */
function compileDrain(
  { drainDelay, drainTimeout }: GatewayFields,
  source: Source,
): Pick<Plan, 'drainTimeoutMs' | 'drainDelayMs'> | undefined {
  const drainTimeoutMs = soundValue(drainTimeout);
  if (drainTimeoutMs === undefined) return undefined;
  const drainDelayMs = soundValue(drainDelay) ?? Math.min(DEFAULT_DRAIN_DELAY_MS, Math.floor(drainTimeoutMs / 2));
  if (drainDelayMs >= drainTimeoutMs) {
    source.report(
      drainDelay.place,
      'the delay leaves no time of drainTimeout to finish requests',
      'less than drainTimeout',
    );
  }
  return { drainTimeoutMs, drainDelayMs };
}
