import type { AgentSignatures } from '../content/agent-signatures.ts';
import type { Decision } from '../content/decision.ts';
import type { AbandonedPayment } from '../domain/abandoned-payment.ts';
import type { RouteAccess } from '../domain/access.ts';
import type { AnswerReaders } from '../domain/answer-reader.ts';
import type { ToolCatalogue } from '../domain/api-tool.ts';
import type { NetworkFamilies } from '../domain/network-family.ts';
import type { Offer } from '../domain/offer.ts';
import type { PassId } from '../domain/pass.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import type { PaidPrice, RoutePrice } from '../domain/route-price.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import type { McpState } from '../mcp/mcp-state.ts';
import type { Observer } from '../observe/observer.ts';
import type { Tracer } from '../observe/tracer.ts';
import type { BalanceHolds } from '../pass/balance-holds.ts';
import type { Quota } from '../pass/quota.ts';
import type { TokenDesk } from '../pass/token-desk.ts';
import type { UseCounter } from '../pass/use-counter.ts';
import type { Paywall } from '../paywall/paywall.ts';
import type { RouteChallenge } from '../protocol/challenge.ts';
import type { ReceiptDesk } from '../protocol/offer-receipt/receipt-desk.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { PaymentFields } from '../proxy/headers/payment-fields.ts';
import type { TrustedPeers } from '../proxy/trusted-peers.ts';
import type { UpgradeProxy } from '../proxy/upgrade.ts';
import type { UpstreamClient } from '../proxy/upstream-connection.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import type { CreditGates } from './credit-gates.ts';
import type { Limiters } from './limits/limiters.ts';
import type { SignInGate } from './sign-in.ts';

/** How passes open what a price is for. */
export interface AccessDesk {
  readonly rule: RouteAccess;
  /** The scope as tokens name it. */
  readonly scope: string;
  readonly tokens: TokenDesk;
  /** Whether browsers get the token as a cookie. */
  readonly cookie: boolean;
}

/** A price that is in force: its 402, what pays it, and the passes that open what it is for. */
export interface OpenPrice {
  readonly challenge: RouteChallenge;
  readonly offers: readonly Offer[];
  /** Offers that were in force until lately: what was quoted is honoured for the quote's lifetime. */
  recentOffers(now: number): readonly Offer[];
  /**
   * Looks for offers of other processes, whose plan is older or newer: {@link recentOffers} holds them from then on.
   * For a payment that fits none that is known; may take half a second where many ask.
   */
  lookUpOffers(): Promise<void>;
  /** `undefined` where each call is paid for. */
  readonly access: AccessDesk | undefined;
  /** Where clients sign in with their account; `undefined` where nobody can. */
  readonly signIn: SignInGate | undefined;
}

/** What this process knows of passes, whatever the plan. */
export interface PassServices {
  readonly quota: Quota;
  /** What its calls hold of balances. */
  readonly balances: Pick<BalanceHolds, 'currencyOf' | 'take'>;
  /** Which passes were revoked. */
  readonly revoked: { has(id: PassId): boolean };
}

/** A document that agents find the gateway by. */
export interface DiscoveryDocument {
  readonly mimeType: string;
  readonly body: Buffer;
}

/** The documents that agents find the gateway by. */
export interface Discovery {
  /** Whether a path is that of a document. */
  has(path: string): boolean;
  /** The document of such a path. Made for the first request, and kept. */
  read(path: string): Promise<DiscoveryDocument>;
}

/** The priced routes of a plan as tools of MCP. */
export interface ApiTools {
  /** Made for the first request, and kept. */
  read(): Promise<ToolCatalogue>;
}

/** Everything that one plan opens. A request holds on to the runtime that it began with. */
export interface Runtime {
  readonly plan: Plan;
  /** The facilitators of the plan, in their order. */
  readonly facilitators: FacilitatorPool;
  readonly trustedPeers: TrustedPeers;
  /** What the payment protocols use: neither an API nor its clients can forge it. */
  readonly fields: PaymentFields;
  /** The protocols that a route is paid in, in the order of preference when a request carries several payment headers. */
  protocols(route: Route): readonly Protocol[];
  /** `undefined` where the configuration turns it off. */
  readonly discovery: Discovery | undefined;
  /** Absent where the gateway is no server of tools. */
  readonly tools?: ApiTools | undefined;
  /** Signs offers and receipts; absent where nothing is signed. */
  readonly receipts?: ReceiptDesk | undefined;
  /** Checks the signatures of agents; absent where the plan knows none. */
  readonly agents?: Pick<AgentSignatures, 'check'> | undefined;
  /** `undefined` where browsers get what machines get. */
  readonly paywall: Pick<Paywall, 'page'> | undefined;
  upstreamClient(upstream: Upstream): UpstreamClient;
  upgradeProxy(upstream: Upstream): UpgradeProxy;
  /** How the price of a request is chosen among those of its route. */
  decision(route: Route): Decision<RoutePrice>;
  /** A price of one of its routes as it is in force. */
  openPrice(route: Route, price: PaidPrice): OpenPrice;
}

/** Has something done later: after so many milliseconds, unless what it returns is called before. */
export type After = (ms: number, run: () => void) => () => void;

/** What lives as long as the process, whatever the plan. */
export interface Services {
  /** This process's name in the ledger: what it holds is found again under it. */
  readonly owner: string;
  readonly ledger: PaymentStore;
  readonly observer: Observer;
  /** `undefined` where nothing is traced, which then costs a look at it. */
  readonly tracer: Tracer | undefined;
  readonly schemes: readonly Scheme[];
  readonly families: NetworkFamilies;
  /** Who may say what an answer costs, the first that does so first. */
  readonly answerReaders: readonly AnswerReaders[];
  readonly mcp: McpState;
  readonly creditGate: CreditGates;
  readonly limiters: Limiters;
  readonly passes: PassServices;
  /** Counts what may be used a number of times for nothing. */
  readonly uses: Pick<UseCounter, 'take'>;
  /** Is told of a payment that a request had to let go of: recovery finishes it. */
  readonly abandoned: (payment: AbandonedPayment) => void;
  /** Is told that an answer went out whose money is still to be asked for. */
  readonly owed: () => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Calls back once after so many milliseconds; what it returns calls that off. */
  readonly after: After;
  /** A fresh request id. */
  readonly newRequestId: () => string;
  /** The runtime that new requests begin with. */
  readonly runtime: () => Runtime;
}
