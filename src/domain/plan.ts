import type { AccessTokenPlan } from './access.ts';
import type { AskingProxy } from './asking-proxy.ts';
import type { DiscoveryTerms } from './discovery.ts';
import type { FacilitatorSpec } from './facilitator-spec.ts';
import type { KnownAgent } from './known-agent.ts';
import type { LogRules } from './log-rules.ts';
import type { PaywallTerms } from './paywall.ts';
import type { ProtocolTerms } from './protocol-setting.ts';
import type { ReceiptTerms } from './receipt-terms.ts';
import type { Route } from './route.ts';
import type { RouteTable } from './route-table.ts';
import type { StoreSpec } from './store-spec.ts';
import type { Upstream } from './upstream.ts';
import type { Webhook } from './webhook.ts';

/** An address to listen on. */
export type ListenAddress =
  | {
      readonly kind: 'tcp';
      readonly host: string;
      /** 0 lets the system choose. */
      readonly port: number;
    }
  /** A socket in the file system, by its absolute path. */
  | { readonly kind: 'unix'; readonly path: string };

/** The certificate that the gateway presents to clients over TLS. The key belongs to the certificate. */
export interface ServerIdentity {
  /** PEM, with the intermediate certificates after the first. */
  readonly cert: string;
  /** PEM private key, unencrypted. */
  readonly key: string;
}

/** What answers CORS preflights of priced routes: the gateway, or the API behind it. */
export type CorsMode = 'gateway' | 'api';

/** What withdraws readiness: this process alone, or also what all processes share. */
export type ReadinessMode = 'process' | 'strict';

/** Whether a payment is served whose money somebody else moved before its request came. */
export type ForeignTransfers = 'serve' | 'refuse';

/** How far `settle: deferred` may run ahead of the money. Above either bound a route settles `after`. */
export interface DeferredBounds {
  /** Most answers whose payment is not settled yet, over all payers. */
  readonly maxUnsettled: number;
  readonly maxUnsettledPerPayer: number;
  /**
   * The same bounds as money, in addition to the counts: most that is open, in dollars as plain decimals; `undefined`
   * for no bound.
   */
  readonly money: { readonly all: string | undefined; readonly ofPayer: string | undefined };
}

/** How the admin page is served. */
export interface AdminPage {
  /**
   * The secret that the page asks for; `undefined`: everybody on this machine may read the page, and nobody may change
   * anything.
   */
  readonly token: string | undefined;
}

/** Where traces go to. */
export interface TracingSpec {
  /** The whole URL that spans are posted to. */
  readonly url: string;
  /** Sent with every export; lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Share of requests that are traced, from 0 to 1. */
  readonly sample: number;
  readonly serviceName: string;
}

/**
 * The whole configuration, decoded, checked and compiled: what the gateway runs on.
 *
 * Immutable. A request uses one plan from start to end; a reload swaps the reference.
 */
export interface Plan {
  readonly listen: ListenAddress;
  /** The proxy that asks on `listen` whether requests may pass; `undefined` where the gateway forwards them. */
  readonly authz: AskingProxy | undefined;
  readonly admin: ListenAddress | undefined;
  /** Names under which the admin listener may be asked, besides addresses and names that no public DNS has. */
  readonly adminHosts: readonly string[];
  /** The admin page and its API on that listener; `undefined` for none. */
  readonly adminPage: AdminPage | undefined;
  /** TLS on `listen`; `undefined`: plain HTTP. */
  readonly tls: ServerIdentity | undefined;
  /** Whether trusted peers begin each connection with a header of the PROXY protocol. */
  readonly proxyProtocol: boolean;
  /** How long a client's connection is kept without a request, in milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** Origin that clients see, without trailing slash: the front of `resource.url`. */
  readonly publicUrl: string | undefined;
  /** CIDR blocks whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** In the order of the file. */
  readonly routes: readonly Route[];
  readonly table: RouteTable<Route>;
  /** What happens to a request that no route matches; `pass` forwards it free of charge. */
  readonly unmatched: { readonly kind: 'deny' } | { readonly kind: 'pass'; readonly upstream: Upstream };
  /** In the order of preference. Empty only when nothing is priced. */
  readonly facilitators: readonly FacilitatorSpec[];
  /** The proxy, with its credentials, for each URL of a facilitator, node or webhook that is asked through one. */
  readonly proxies: ReadonlyMap<string, string>;
  readonly store: StoreSpec;
  readonly cors: CorsMode;
  readonly readiness: ReadinessMode;
  readonly limits: Limits;
  /** How long a payment whose answer did not arrive can be collected with the same header, in milliseconds. */
  readonly retryWindowMs: number;
  /** How long finished payments stay in the ledger, in milliseconds. */
  readonly retentionMs: number;
  readonly foreignTransfers: ForeignTransfers;
  readonly deferred: DeferredBounds;
  readonly accessTokens: AccessTokenPlan;
  readonly protocolTerms: ProtocolTerms;
  /** Agents whose signatures are checked. */
  readonly agents: readonly KnownAgent[];
  /** The receivers of webhooks. */
  readonly webhooks: readonly Webhook[];
  /** Processes that share the public address. */
  readonly workers: number;
  /** How long a shutdown may take in all, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** How long connections are taken after readiness is withdrawn, in milliseconds; less than `drainTimeoutMs`. */
  readonly drainDelayMs: number;
  /** The discovery documents; `undefined` for none. */
  readonly discovery: DiscoveryTerms | undefined;
  readonly log: LogRules;
  /** The 402 page for people; `undefined` where browsers get what machines get. */
  readonly paywall: PaywallTerms | undefined;
  /** How offers and receipts are signed; `undefined` where they are not. */
  readonly receipts: ReceiptTerms | undefined;
  /** `undefined`: nothing is traced. */
  readonly tracing: TracingSpec | undefined;
}

/** Bounds that keep a hostile or broken client cheap. */
export interface Limits {
  /** Longest payment header, in bytes. */
  readonly paymentHeaderBytes: number;
  /** Longest request line plus headers, in bytes. */
  readonly headerBytes: number;
  /** Longest request body, in bytes; `undefined` takes any. */
  readonly bodyBytes: number | undefined;
  /** Longest request body that is read because it decides the price, in bytes. */
  readonly pricedBodyBytes: number;
  /** Most connections of clients to one process. */
  readonly connections: number;
  /** The same for one address; trusted proxies are not bounded by it. */
  readonly connectionsPerAddress: number;
  /** Most payments of one client address in a minute that a facilitator is asked about for nothing. */
  readonly refusalsPerMinute: number;
  /** Most calls of one payer that are at the upstream before their money moved (`settle: after`). */
  readonly unpaidCallsPerPayer: number;
  /** Most calls of one client at one upstream; `undefined` for what the connections of the upstream come to. */
  readonly upstreamCallsPerClient: number | undefined;
  /** Most bytes of answers that one process has in memory to keep them. */
  readonly keptAnswersInMemory: number;
  /** Most bytes of bodies that one process holds in memory to read them before they are sent. */
  readonly bodiesInMemory: number;
  /** Most bytes of kept answers in the store. */
  readonly keptAnswersInStore: number;
}
