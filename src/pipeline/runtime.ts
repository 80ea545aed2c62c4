import type { AbandonedPayment } from '../domain/abandoned-payment.ts';
import type { Offer } from '../domain/offer.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import type { Observer } from '../observe/observer.ts';
import type { Challenge } from '../protocol/challenge.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { TrustedPeers } from '../proxy/trusted-peers.ts';
import type { UpgradeProxy } from '../proxy/upgrade.ts';
import type { UpstreamClient } from '../proxy/upstream-connection.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import type { CreditGate } from './credit-gate.ts';
import type { Limiters } from './limits/limiters.ts';

/** A priced route's 402 and the protocols that can answer it. */
export interface RouteDesk {
  readonly challenge: Challenge;
  readonly offers: readonly Offer[];
  /** Offers that were in force until lately: what was quoted is honoured for the quote's lifetime. */
  recentOffers(now: number): readonly Offer[];
  /**
   * Looks for offers of other processes, whose plan is older or newer: {@link recentOffers} holds them from then on.
   * For a payment that fits none that is known; may take half a second where many ask.
   */
  lookUpOffers(): Promise<void>;
}

/** Everything that one plan opens. A request holds on to the runtime that it began with. */
export interface Runtime {
  readonly plan: Plan;
  /** The facilitators of the plan, in their order. */
  readonly facilitators: FacilitatorPool;
  readonly trustedPeers: TrustedPeers;
  upstreamClient(upstream: Upstream): UpstreamClient;
  upgradeProxy(upstream: Upstream): UpgradeProxy;
  /** The 402 of a priced route, `undefined` for a free one. */
  desk(route: Route): RouteDesk | undefined;
}

/** What lives as long as the process, whatever the plan. */
export interface Services {
  /** This process's name in the ledger: what it holds is found again under it. */
  readonly owner: string;
  readonly ledger: PaymentStore;
  readonly observer: Observer;
  readonly schemes: readonly Scheme[];
  /** In the order of preference when a request carries several payment headers. */
  readonly protocols: readonly Protocol[];
  readonly creditGate: CreditGate;
  readonly limiters: Limiters;
  /** Is told of a payment that a request had to let go of: recovery finishes it. */
  readonly abandoned: (payment: AbandonedPayment) => void;
  /** Is told that an answer went out whose money is still to be asked for. */
  readonly owed: () => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** A fresh request id. */
  readonly newRequestId: () => string;
  /** The runtime that new requests begin with. */
  readonly runtime: () => Runtime;
}
