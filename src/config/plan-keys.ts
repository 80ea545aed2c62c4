import type { DiscoveryTerms } from '../domain/discovery.ts';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import { logText } from '../domain/log-rules.ts';
import type { PaywallTerms } from '../domain/paywall.ts';
import type { ListenAddress, Plan } from '../domain/plan.ts';
import type { ReceiptTerms } from '../domain/receipt-terms.ts';
import { settledNetworks } from '../registry.ts';
import { describeUpstream } from './describe.ts';

/** A part of the plan that is one key of the file. */
export interface PlanKey {
  /** As the file spells it. */
  readonly key: string;
  /** What it says, without secrets. Settings may differ that are shown alike. */
  readonly show: (plan: Plan) => string;
  /** Whether a running gateway keeps the value that it started with: a reload cannot change the key. */
  readonly fixed?: true;
}

/** The plan's parts but for the routes. A part without a line here does not compile. */
export const PLAN_KEYS: Readonly<Record<Exclude<keyof Plan, 'routes' | 'table' | 'limits'>, PlanKey>> = {
  listen: { key: 'listen', show: ({ listen }) => showAddress(listen), fixed: true },
  authz: { key: 'authz', show: ({ authz }) => authz ?? 'off', fixed: true },
  admin: { key: 'admin', show: ({ admin }) => (admin === undefined ? 'off' : showAddress(admin)), fixed: true },
  adminHosts: { key: 'adminHosts', show: ({ adminHosts }) => showList(adminHosts), fixed: true },
  adminPage: {
    key: 'admin.page',
    show: ({ adminPage }) =>
      adminPage === undefined ? 'off' : adminPage.token === undefined ? 'on' : 'on, with a token',
  },
  tls: { key: 'tls', show: ({ tls }) => (tls === undefined ? 'off' : 'on') },
  proxyProtocol: { key: 'proxyProtocol', show: ({ proxyProtocol }) => String(proxyProtocol) },
  keepAliveTimeoutMs: {
    key: 'keepAliveTimeout',
    show: ({ keepAliveTimeoutMs }) => showMs(keepAliveTimeoutMs),
    fixed: true,
  },
  workers: { key: 'workers', show: ({ workers }) => String(workers), fixed: true },
  store: { key: 'store', show: ({ store }) => store.kind, fixed: true },
  publicUrl: { key: 'publicUrl', show: ({ publicUrl }) => publicUrl ?? 'from the request' },
  trustedProxies: { key: 'trustedProxies', show: ({ trustedProxies }) => showList(trustedProxies) },
  unmatched: {
    key: 'unmatched',
    show: ({ unmatched }) => (unmatched.kind === 'deny' ? 'deny' : `pass to ${describeUpstream(unmatched.upstream)}`),
  },
  facilitators: { key: 'facilitator', show: ({ facilitators }) => showList(facilitators.map(showFacilitator)) },
  proxies: { key: 'HTTPS_PROXY', show: ({ proxies }) => showList([...proxies.keys()].map((url) => new URL(url).host)) },
  cors: { key: 'cors', show: ({ cors }) => cors },
  readiness: { key: 'readiness', show: ({ readiness }) => readiness },
  retryWindowMs: { key: 'retryWindow', show: ({ retryWindowMs }) => showMs(retryWindowMs) },
  retentionMs: { key: 'retention', show: ({ retentionMs }) => showMs(retentionMs) },
  foreignTransfers: { key: 'foreignTransfers', show: ({ foreignTransfers }) => foreignTransfers },
  deferred: {
    key: 'deferred',
    show: ({ deferred: { maxUnsettled, maxUnsettledPerPayer, money } }) =>
      `${boundText(maxUnsettled, money.all)}, ${boundText(maxUnsettledPerPayer, money.ofPayer)} per payer`,
  },
  accessTokens: {
    key: 'accessTokens',
    show: ({ accessTokens: { keys, cookie, signIn } }) =>
      `${keys.length === 0 ? "the store's key" : `${keys.length} keys`}, cookie ${cookie ? 'on' : 'off'}, signIn ${signIn ? 'on' : 'off'}`,
  },
  protocolTerms: {
    key: 'mpp',
    show: ({ protocolTerms: { mpp } }) =>
      `in ${mpp.header}, ${mpp.keys.length === 0 ? "the store's key" : `${mpp.keys.length} keys`}`,
  },
  agents: { key: 'agents', show: ({ agents }) => showList(agents.map(({ origin }) => origin)) },
  webhooks: { key: 'webhooks', show: ({ webhooks }) => showList(webhooks.map(({ url }) => new URL(url).origin)) },
  drainDelayMs: { key: 'drainDelay', show: ({ drainDelayMs }) => showMs(drainDelayMs) },
  log: {
    key: 'log',
    show: ({ log }) => `${logText(log)}${log.clientAddress ? '' : ', without addresses'}`,
  },
  tracing: {
    key: 'tracing',
    show: ({ tracing }) =>
      tracing === undefined
        ? 'off'
        : `${tracing.sample * 100}% to ${new URL(tracing.url).origin} as ${tracing.serviceName}`,
    fixed: true,
  },
  discovery: { key: 'discovery', show: ({ discovery }) => showDiscovery(discovery) },
  paywall: { key: 'paywall', show: ({ paywall }) => showPaywall(paywall) },
  receipts: { key: 'receipts', show: ({ receipts }) => (receipts === undefined ? 'off' : showReceipts(receipts)) },
  drainTimeoutMs: { key: 'drainTimeout', show: ({ drainTimeoutMs }) => showMs(drainTimeoutMs) },
};

/** The limits, each of which is a key of its own. */
export const LIMIT_KEYS: Readonly<Record<keyof Plan['limits'], PlanKey>> = {
  paymentHeaderBytes: { key: 'limits.paymentHeaderBytes', show: ({ limits }) => String(limits.paymentHeaderBytes) },
  headerBytes: { key: 'limits.headerBytes', show: ({ limits }) => String(limits.headerBytes), fixed: true },
  bodyBytes: { key: 'limits.bodyBytes', show: ({ limits }) => String(limits.bodyBytes ?? 'none') },
  pricedBodyBytes: { key: 'limits.pricedBodyBytes', show: ({ limits }) => String(limits.pricedBodyBytes) },
  connections: { key: 'limits.connections', show: ({ limits }) => String(limits.connections) },
  connectionsPerAddress: {
    key: 'limits.connectionsPerAddress',
    show: ({ limits }) => String(limits.connectionsPerAddress),
  },
  refusalsPerMinute: { key: 'limits.refusalsPerMinute', show: ({ limits }) => String(limits.refusalsPerMinute) },
  unpaidCallsPerPayer: { key: 'limits.unpaidCallsPerPayer', show: ({ limits }) => String(limits.unpaidCallsPerPayer) },
  upstreamCallsPerClient: {
    key: 'limits.upstreamCallsPerClient',
    show: ({ limits }) => String(limits.upstreamCallsPerClient ?? 'by the connections of each upstream'),
  },
  keptAnswersInMemory: { key: 'limits.keptAnswersInMemory', show: ({ limits }) => String(limits.keptAnswersInMemory) },
  keptAnswersInStore: { key: 'limits.keptAnswersInStore', show: ({ limits }) => String(limits.keptAnswersInStore) },
  bodiesInMemory: { key: 'limits.bodiesInMemory', show: ({ limits }) => String(limits.bodiesInMemory) },
};

function showDiscovery(terms: DiscoveryTerms | undefined): string {
  if (terms === undefined) return 'off';
  const { title = 'untitled', tags, serviceName, iconUrl, bazaar, mcp, document } = terms;
  const named = serviceName === undefined || serviceName === title ? '' : ` as ${serviceName}`;
  const from = document === undefined ? 'from the price table' : 'from an API description';
  const icon = iconUrl === undefined ? '' : `, icon ${iconUrl}`;
  return `${title}${named}, tags ${showList(tags)}${icon}, ${from}${bazaar ? '' : ', without bazaar'}${mcp ? ', tools at /mcp' : ''}`;
}

function showPaywall(terms: PaywallTerms | undefined): string {
  if (terms === undefined) return 'off';
  const { title = 'untitled', logo, colour = 'default colour' } = terms;
  return `${title}, ${colour}, ${logo === undefined ? 'no logo' : 'a logo'}`;
}

function showAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const { host, port } = address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function showList(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ');
}

function showFacilitator(spec: FacilitatorSpec): string {
  const networks = settledNetworks(spec);
  return networks === undefined ? spec.name : `${spec.name} (${networks.join(', ')})`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
];

/** As the file would say it: `90d`, `10m`, `1500ms`. */
function showMs(ms: number): string {
  if (ms === 0) return '0s';
  const [size, unit] = UNITS.find(([size]) => ms % size === 0) ?? [1, 'ms'];
  return `${ms / size}${unit}`;
}

function boundText(count: number, money: string | undefined): string {
  return money === undefined ? String(count) : `$${money}`;
}

function showReceipts({ format, keys }: ReceiptTerms): string {
  return `${format}, ${keys.length === 0 ? "the store's key" : `${keys.length} keys`}`;
}
