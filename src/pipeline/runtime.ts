import type { AgentSignatures } from '../content/agent-signatures.ts';
import type { AbandonedPayment } from '../domain/abandoned-payment.ts';
import type { RouteAccess } from '../domain/access.ts';
import type { AnswerReaders } from '../domain/answer-reader.ts';
import type { ToolCatalogue } from '../domain/api-tool.ts';
import type { NetworkFamilies } from '../domain/network-family.ts';
import type { Offer } from '../domain/offer.ts';
import type { OwnDebt } from '../domain/own-debt.ts';
import type { PassId } from '../domain/pass.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import type { PaidPrice } from '../domain/route-price.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import type { McpState } from '../mcp/mcp-state.ts';
import type { Observer } from '../observe/observer.ts';
import type { Tracer } from '../observe/tracer.ts';
import type { AccessTokens } from '../pass/access-tokens.ts';
import type { BalanceHolds } from '../pass/balance-holds.ts';
import type { Quota } from '../pass/quota.ts';
import type { UseCounter } from '../pass/use-counter.ts';
import type { Paywall } from '../paywall/paywall.ts';
import type { RouteChallenge } from '../protocol/challenge.ts';
import type { OfferReceipts } from '../protocol/offer-receipt/offer-receipts.ts';
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

/** The ways in which passes open a price. */
export interface PassAccess {
  readonly rule: RouteAccess;
  /** The scope in tokens. */
  readonly scope: string;
  readonly tokens: AccessTokens;
  /** Whether browsers get the token as a cookie. */
  readonly cookie: boolean;
}

/** A price in force: its 402, the payments that it takes, and the passes that open it. */
export interface OpenPrice {
  readonly challenge: RouteChallenge;
  readonly offers: readonly Offer[];
  /** Offers that were in force until lately: a quote is honoured for its lifetime. */
  recentOffers(now: number): readonly Offer[];
  /**
   * Looks for offers of other processes, whose plan is older or newer; {@link recentOffers} has them from then on. For
   * a payment that matches no known offer. May take half a second where many ask.
   */
  lookUpOffers(): Promise<void>;
  /** `undefined` where each call is paid for. */
  readonly access: PassAccess | undefined;
  /** The sign-in of clients with their account; `undefined` where there is none. */
  readonly signIn: SignInGate | undefined;
}

/** What this process knows of passes, independent of the plan. */
export interface PassServices {
  readonly quota: Quota;
  /** Holds of calls on balances. */
  readonly balances: Pick<BalanceHolds, 'currencyOf' | 'take'>;
  /** The passes that were revoked. */
  readonly revoked: { has(id: PassId): boolean };
}

/** A discovery document, such as `/openapi.json`. */
export interface DiscoveryDocument {
  readonly mimeType: string;
  readonly body: Buffer;
}

/** The discovery documents. */
export interface Discovery {
  /** Whether a path is the path of a document. */
  has(path: string): boolean;
  /** The document at such a path. Made for the first request, then cached. */
  read(path: string): Promise<DiscoveryDocument>;
}

/** The priced routes of a plan as tools of MCP. */
export interface ApiTools {
  /** Made for the first request, then cached. */
  read(): Promise<ToolCatalogue>;
}

/** Everything that one plan opens. A request keeps the runtime that it began with. */
export interface Runtime {
  readonly plan: Plan;
  /** The facilitators of the plan, in order. */
  readonly facilitators: FacilitatorPool;
  readonly trustedPeers: TrustedPeers;
  /** The headers of the payment protocols: neither an API nor its clients can forge them. */
  readonly fields: PaymentFields;
  /** The protocols that a route is paid in, in the order of preference when a request carries several payment headers. */
  protocols(route: Route): readonly Protocol[];
  /** `undefined` where the configuration turns it off. */
  readonly discovery: Discovery | undefined;
  /** Absent where the gateway is not a server of tools. */
  readonly tools?: ApiTools | undefined;
  /** Signs offers and receipts; absent where nothing is signed. */
  readonly receipts?: OfferReceipts | undefined;
  /** Checks the signatures of agents; absent where the plan names no agents. */
  readonly agents?: Pick<AgentSignatures, 'check'> | undefined;
  /** `undefined` where browsers get the same 402 as machines. */
  readonly paywall: Pick<Paywall, 'page'> | undefined;
  upstreamClient(upstream: Upstream): UpstreamClient;
  upgradeProxy(upstream: Upstream): UpgradeProxy;
  /** A price of one of its routes, in force. */
  openPrice(route: Route, price: PaidPrice): OpenPrice;
}

/** Calls `run` after this many milliseconds, unless the function that it returns is called before. */
export type After = (ms: number, run: () => void) => () => void;

/** The answers of this process that went out before their money was asked for. */
export interface Debts {
  /**
   * Has a debt settled whose answer is over.
   *
   * @param write writes the row with the answer's end and this `checkAt`, in Unix milliseconds, for the ledger to hand out
   */
  add(debt: OwnDebt, write: (checkAt: number) => Promise<void>): Promise<void>;
}

/** What lives as long as the process, independent of the plan. */
export interface Services {
  /** This process's name in the ledger, which its claims and holds carry. */
  readonly owner: string;
  readonly ledger: PaymentStore;
  readonly observer: Observer;
  /** `undefined` where nothing is traced, which then costs one comparison. */
  readonly tracer: Tracer | undefined;
  readonly schemes: readonly Scheme[];
  readonly families: NetworkFamilies;
  /** The readers that may charge an answer by its content; the first that applies is used. */
  readonly answerReaders: readonly AnswerReaders[];
  readonly mcp: McpState;
  readonly creditGate: CreditGates;
  readonly limiters: Limiters;
  readonly passes: PassServices;
  /** Counts free uses. */
  readonly uses: Pick<UseCounter, 'take'>;
  /** Called with a payment that a request had to let go of: recovery finishes it. */
  readonly abandoned: (payment: AbandonedPayment) => void;
  readonly debts: Debts;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Calls back once after this many milliseconds; what it returns cancels that. */
  readonly after: After;
  /** A new request id. */
  readonly newRequestId: () => string;
  /** The runtime of new requests. */
  readonly runtime: () => Runtime;
}
