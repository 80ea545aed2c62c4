import type { AccessTerms } from '../domain/access.ts';
import { formatAmount, formatUnits } from '../domain/amount.ts';
import type { BalanceTerms } from '../domain/balance.ts';
import type { BuilderCode } from '../domain/builder-code.ts';
import { chargeText } from '../domain/charge-rule.ts';
import { keysText } from '../domain/customer-keys.ts';
import type { McpTerms } from '../domain/mcp-terms.ts';
import type { Metering, MeterSpec } from '../domain/metered-price.ts';
import { type Offer, statesMaximum } from '../domain/offer.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import { isPriced, type RoutePrice, requestsText } from '../domain/route-price.ts';
import { statedText } from '../domain/stated-calls.ts';
import { serverText, type Upstream } from '../domain/upstream.ts';
import { clientText, type FreeQuota, limitText } from '../domain/use-limit.ts';

/** One way to pay, in plain data. */
export interface OfferDescription {
  readonly scheme: string;
  /** CAIP-2. */
  readonly network: string;
  readonly asset: string;
  readonly symbol: string;
  /** Atomic units, as on the wire. */
  readonly amount: string;
  /** Whole units with the symbol: `0.001 USDC`. */
  readonly price: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  /** Whether clients of x402 v1 can take it. */
  readonly v1: boolean;
}

/** A pass, in plain data. */
export interface AccessDescription {
  /** `route:<name>` or `group:<name>`. */
  readonly scope: string;
  /** Only there where time ends it. */
  readonly forMs?: number;
  /** Only there where requests end it. */
  readonly requests?: number;
  /** What one payment adds to a balance: `1 USDC`; only there where one is sold. */
  readonly balance?: string;
}

/** What requests cost, in plain data. */
export interface PriceDescription {
  /** `free`, or the different prices of the offers: `0.001 USDC`. */
  readonly price: string;
  readonly offers: readonly OfferDescription[];
  /** When the money moves; only there where something is paid. */
  readonly settle?: string;
  /** When a facilitator verifies; only there where it is not `auto`. */
  readonly verify?: string;
  /** How what was used is charged: `openai: input $2.50/1M, output $10/1M; min 0.0005`; only there where it is. */
  readonly metered?: string;
  /** Statuses that are charged, such as `2xx, 302`; only there where they are not `2xx`. */
  readonly charge?: string;
  /** The pass that a payment buys; only there where one is sold. */
  readonly access?: AccessDescription;
  readonly description?: string;
}

/** One route as the gateway understands it, in plain data and without secrets: upstream headers are not in it. */
export interface RouteDescription extends PriceDescription {
  readonly name: string;
  /** `*` is every method. */
  readonly methods: readonly string[];
  /** `*` is every host. */
  readonly host: string;
  readonly path: string;
  /** Only there where it is set. */
  readonly idempotent?: true;
  /** Largest answer that is kept, in bytes; only there where answers are kept. */
  readonly keepAnswersBytes?: number;
  /** The payment protocols; only there where something is paid. */
  readonly protocols?: readonly string[];
  /** `optional` or `required`; not there when it is off. */
  readonly paymentIdentifier?: string;
  /** Codes that its settlements are attributed to, the application's first; only there where there are any. */
  readonly builderCode?: string;
  /** Clients of a hundred that are charged; only there where not all are. */
  readonly enforcePercent?: number;
  /** Customers who need not pay, in words; only there where there are any. */
  readonly keys?: string | undefined;
  /** What each client gets for nothing, in words; only there where it gets any. */
  readonly free?: string | undefined;
  /** The servers, where there are several with a comma between them. */
  readonly upstream: string;
  readonly timeoutMs: number;
  readonly rewrite?: { readonly from: string; readonly to: string };
  readonly mimeType?: string;
  /** `off`, or the parts of its calls that the route describes, such as `query, output`; absent for none. */
  readonly discovery?: string;
  /** What its paths may hold of what is refused elsewhere; only there where something is. */
  readonly encoded?: readonly string[];
  /** How prices of MCP are stated; absent where no calls of an MCP server are sold. */
  readonly mcp?: string;
  /** Each price; only there where the route has several. What stands above is all of them together. */
  readonly prices?: readonly EntryDescription[];
}

/** One of several prices of a route, in plain data. */
export interface EntryDescription extends PriceDescription {
  /** What payments and passes of it are filed under. */
  readonly id: string;
  /** Which requests it is for, in words. */
  readonly when: string;
}

/** Describes the routes of a plan in the order of the file. */
export function describeRoutes(plan: Plan): readonly RouteDescription[] {
  return plan.routes.map(describeRoute);
}

/** Describes one route. */
export function describeRoute(route: Route): RouteDescription {
  return {
    name: route.name,
    methods: route.methods ?? ['*'],
    host: route.host ?? '*',
    path: route.pattern.text,
    ...describePrices(route.prices),
    ...(route.idempotent && { idempotent: true as const }),
    ...(route.keepAnswers !== undefined && { keepAnswersBytes: route.keepAnswers.maxBytes }),
    ...(isPriced(route) && { protocols: route.protocols }),
    ...(route.identifier !== 'off' && { paymentIdentifier: route.identifier }),
    ...(route.builderCode !== undefined && { builderCode: builderCodeText(route.builderCode) }),
    ...(route.enforcePercent < 100 && { enforcePercent: route.enforcePercent }),
    ...(route.keys !== undefined && { keys: keysText(route.keys) }),
    ...(route.free !== undefined && { free: freeText(route.free) }),
    upstream: describeUpstream(route.upstream),
    timeoutMs: route.timeoutMs,
    ...(route.rewrite !== undefined && { rewrite: route.rewrite }),
    ...(route.mcp !== undefined && { mcp: mcpText(route.mcp) }),
    ...(route.mimeType !== undefined && { mimeType: route.mimeType }),
    ...(route.unlisted && { discovery: 'off' }),
    ...(route.stated !== undefined && { discovery: statedText(route.stated) }),
    ...(route.encoded !== undefined && { encoded: route.encoded }),
  };
}

/** Describes one way to pay. */
export function describeOffer(offer: Offer): OfferDescription {
  return {
    scheme: offer.scheme,
    network: offer.network,
    asset: offer.asset.address,
    symbol: offer.asset.symbol,
    amount: formatAmount(offer.amount),
    price: `${statesMaximum(offer) ? 'up to ' : ''}${formatUnits(offer.amount, offer.asset.decimals)} ${offer.asset.symbol}`,
    payTo: offer.payTo,
    maxTimeoutSeconds: offer.maxTimeoutSeconds,
    v1: offer.v1Network !== undefined,
  };
}

function describeAccess({ scope, forMs, requests, balance }: AccessTerms): AccessDescription {
  return {
    scope,
    ...(forMs !== undefined && { forMs }),
    ...(requests !== undefined && { requests }),
    ...(balance !== undefined && { balance: moneyText(balance.amount, balance) }),
  };
}

function moneyText(atomic: string, { decimals, symbol }: BalanceTerms): string {
  return `${formatUnits(BigInt(atomic), decimals)} ${symbol}`;
}

/** What calls cost that a balance pays: `up to 0.5 USDC`. */
function callText({ access }: Offer): string | undefined {
  const balance = access?.balance;
  return balance && `up to ${moneyText(balance.upTo, balance)}, of a balance of ${moneyText(balance.amount, balance)}`;
}

/** What a pass opens and for how long, for people: `3600s, 3 requests of route:/v1/reports`. */
export function passText({ scope, forMs, requests, balance }: AccessDescription): string {
  if (balance !== undefined) return `a balance of ${balance} for ${scope.slice('balance:'.length)}`;
  const time = forMs === undefined ? [] : [`${forMs / 1000}s`];
  const count = requests === undefined ? [] : [`${requests} requests`];
  return `${[...time, ...count].join(', ')} of ${scope}`;
}

/** What each client gets for nothing: `20 per day for each client address`. */
function freeText(free: FreeQuota): string {
  return `${limitText(free)} for each ${clientText(free)}`;
}

/** `my_app`, or `my_app with my_service`. */
function builderCodeText({ app, services }: BuilderCode): string {
  return services.length === 0 ? app : `${app} with ${services.join(', ')}`;
}

/** How many clients are charged, as the file says it. */
export function enforceText(percent: number): string {
  return percent === 0 ? 'off' : `${percent}%`;
}

/** What a route costs: its only price, or all of them. */
function describePrices(prices: readonly RoutePrice[]): Pick<RouteDescription, keyof PriceDescription | 'prices'> {
  const [first, ...others] = prices.map(describeEntry);
  if (first === undefined) return { price: 'free', offers: [] };
  const { id, when, ...only } = first;
  if (others.length === 0 && prices[0]?.when.length === 0) return only;
  const all = [first, ...others];
  const settle = [...new Set(all.flatMap((each) => each.settle ?? []))];
  const verify = [...new Set(all.flatMap((each) => each.verify ?? []))];
  return {
    price: [...new Set(all.map(({ price }) => price))].join(' or '),
    offers: all.flatMap(({ offers }) => offers),
    ...(settle.length > 0 && { settle: settle.join(' or ') }),
    ...(verify.length > 0 && { verify: verify.join(' or ') }),
    prices: all,
  };
}

function describeEntry(price: RoutePrice): EntryDescription {
  return { id: price.id, when: requestsText(price), ...describePrice(price) };
}

/** Describes one price. */
export function describePrice(price: RoutePrice): PriceDescription {
  const described = price.description === undefined ? {} : { description: price.description };
  if (price.kind === 'free') return { price: 'free', offers: [], ...described };
  const { settle, verify, metering, charge, access } = price;
  const offers = price.offers.map(describeOffer);
  return {
    price: [...new Set(price.offers.map((offer, index) => callText(offer) ?? offers[index]?.price))].join(' or '),
    offers,
    settle,
    ...(verify !== undefined && { verify }),
    ...(metering !== undefined && { metered: meteringText(metering) }),
    ...(chargeText(charge) !== '2xx' && { charge: chargeText(charge) }),
    ...(access !== undefined && { access: describeAccess(access.terms) }),
    ...described,
  };
}

/** How what was used is charged, for people. */
function meteringText({ meter, rates, min, missing, cap }: Metering): string {
  const each = [...rates].map(([dimension, { text }]) => `${dimension} ${text}`).join(', ');
  const least = min === '0' ? [] : [`min ${min}`];
  return [
    `${meterText(meter)}${each === '' ? '' : `: ${each}`}`,
    ...least,
    `missing ${missing}`,
    ...(cap ? ['cap'] : []),
  ].join('; ');
}

function meterText(meter: MeterSpec): string {
  switch (meter.kind) {
    case 'family':
      return meter.family;
    case 'header':
      return `header ${meter.name}`;
    case 'json':
      return `json ${meter.pointer}`;
    case 'bytes':
    case 'seconds':
    case 'upstream':
      return meter.kind;
  }
}

/** The servers of an upstream as URLs, with a comma between them. */
export function describeUpstream({ servers }: Upstream): string {
  return servers.length === 0 ? 'none: the proxy that asks forwards' : servers.map(serverText).join(', ');
}

/** How the calls of an MCP server are sold, in a line. */
function mcpText({ binding, describes, otherwise }: McpTerms): string {
  const rest = otherwise === 'refuse' ? 'refused' : otherwise.kind === 'free' ? 'free' : otherwise.text;
  return `told as ${binding}${describes ? ' and in descriptions' : ''}, everything else ${rest}`;
}
