import { Leases } from '../domain/leases.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import type { Upstream } from '../domain/upstream.ts';
import { HealthBook } from '../proxy/server-health.ts';
import type { UpstreamClient } from '../proxy/upstream-connection.ts';
import { openUpstreamClient } from '../proxy/upstream-connection.ts';
import type { FacilitatorLeases } from './facilitator-leases.ts';
import { refuseUnserved } from './readiness.ts';
import type { RecentOffers } from './recent-offers.ts';
import { type OpenRuntime, openRuntime, type RuntimeDeps } from './runtime.ts';

/**
 * How long the facilitators may take to state what they support before a plan comes into force without that, in
 * milliseconds.
 */
const FIRST_SUPPORTED_MS = 10_000;
/** How long the new prices may take to be written down before they come into force in any case, in milliseconds. */
const ANNOUNCE_MS = 2000;

/** What a plan needs of the store. */
export type PlanParts = Pick<RuntimeDeps, 'protocols' | 'accessTools' | 'receipts' | 'agents'>;

/** A plan that is open and checked, and not in force yet. Call exactly one of the two, once. */
export interface PreparedPlan {
  /** Puts it in force at once: every request that begins from now on uses it. */
  commit(): void;
  /** Closes what was opened for it. */
  abandon(): Promise<void>;
}

/** The parts that plans work with. */
export interface PlanHistoryDeps extends Pick<RuntimeDeps, 'onFacilitatorFault' | 'schemes' | 'clock'> {
  readonly facilitators: FacilitatorLeases;
  readonly recent: RecentOffers;
  /**
   * Prepares what a plan needs of the store: its protocols, and the keys of its passes.
   *
   * @throws GatewayError `store_unavailable`
   */
  readonly openParts: (plan: Plan) => Promise<PlanParts>;
  /** Called with a failure that changes nothing. */
  readonly trouble: (what: string, fault: unknown) => void;
}

/**
 * The plans of this process, one after the other. Requests keep the runtime that they began with; a runtime that is no
 * longer in force is closed when its last request is over.
 */
export class PlanHistory {
  readonly #deps: PlanHistoryDeps;
  /** Kept over reloads: which servers are down. */
  readonly #health = new HealthBook();
  readonly #clients: Leases<Upstream, UpstreamClient>;
  readonly #open = new Set<OpenRuntime>();
  #learning: Promise<void> = Promise.resolve();
  #current: OpenRuntime;

  /** @param parts what {@link PlanHistoryDeps.openParts} gives for the first plan */
  constructor(plan: Plan, parts: PlanParts, deps: PlanHistoryDeps) {
    this.#deps = deps;
    this.#clients = Leases.closing(
      (upstream) => openUpstreamClient(upstream, this.#health),
      (client) => void this.#attempt('closing an upstream', client.close()),
    );
    this.#current = this.#openRuntime(plan, parts);
    deps.facilitators.putInForce(plan.facilitators);
  }

  /** The runtime of new requests. */
  get current(): OpenRuntime {
    return this.#current;
  }

  /**
   * Asks the facilitators of the first plan what they support.
   *
   * @throws UnservedOfferError
   */
  async begin(): Promise<void> {
    await check(this.#current);
    this.#deps.recent.replace(this.#current.quoted);
  }

  /**
   * Opens another plan beside the one in force.
   *
   * @param begunAreOver resolves when the requests that have begun by the time of the call are over
   * @throws UnservedOfferError
   * @throws GatewayError `store_unavailable`, for a plan that needs a secret of the store: for passes, challenges or receipts
   */
  async prepare(plan: Plan, begunAreOver: () => Promise<void>): Promise<PreparedPlan> {
    const runtime = this.#openRuntime(plan, await this.#deps.openParts(plan));
    try {
      await check(runtime);
    } catch (fault) {
      await this.#close(runtime);
      throw fault;
    }
    await this.#announce(runtime.quoted);
    return {
      commit: () => {
        const before = this.#current;
        this.#current = runtime;
        this.#deps.facilitators.putInForce(plan.facilitators);
        const over = this.#deps.recent.replace(runtime.quoted);
        void begunAreOver()
          .then(over)
          .then(() => this.#close(before));
      },
      abandon: () => this.#close(runtime),
    };
  }

  /** Cuts upgraded connections of every plan. */
  cutTunnels(): void {
    for (const runtime of this.#open) runtime.cutTunnels();
  }

  /** Closes every plan. No request may be running. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((runtime) => this.#close(runtime)));
  }

  #openRuntime(plan: Plan, parts: PlanParts): OpenRuntime {
    const { recent, facilitators, onFacilitatorFault, schemes, clock } = this.#deps;
    const clients = this.#clients;
    const before = this.#open.size === 0 ? undefined : this.#current.facilitators;
    const shared = {
      ...parts,
      schemes,
      recent,
      facilitators,
      clients,
      health: this.#health,
      clock,
    };
    const onSupported = (): void => this.#learnSoon(runtime);
    const runtime = openRuntime(plan, { ...shared, onFacilitatorFault, onSupported }, before);
    this.#open.add(runtime);
    return runtime;
  }

  /** Adopts what facilitators state, one change after the other. */
  #learnSoon(runtime: OpenRuntime): void {
    this.#learning = this.#learning.then(() => this.#learn(runtime));
  }

  /**
   * A change of quotes is written down before it takes effect, so that every process honours the new quotes from the
   * first. Earlier quotes stay valid for their lifetime.
   */
  async #learn(runtime: OpenRuntime): Promise<void> {
    const lesson = this.#open.has(runtime) ? runtime.lesson() : undefined;
    if (lesson === undefined) return;
    await this.#announce(lesson.quoted);
    lesson.adopt();
    if (runtime === this.#current) this.#deps.recent.replace(lesson.quoted);
  }

  async #close(runtime: OpenRuntime): Promise<void> {
    if (!this.#open.delete(runtime)) return;
    await this.#attempt('closing a plan', runtime.close());
  }

  /** Other processes honour new prices from the first. An unavailable store does not prevent a change of prices. */
  async #announce(routes: readonly Route[]): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.resolve(), ANNOUNCE_MS);
    await Promise.race([this.#attempt('writing down new prices', this.#deps.recent.announce(routes)), late.promise]);
    clearTimeout(timer);
  }

  async #attempt(what: string, act: Promise<void>): Promise<void> {
    try {
      await act;
    } catch (fault) {
      this.#deps.trouble(what, fault);
    }
  }
}

async function check(runtime: OpenRuntime): Promise<void> {
  await runtime.facilitators.begin(AbortSignal.timeout(FIRST_SUPPORTED_MS));
  runtime.lesson()?.adopt();
  refuseUnserved(runtime);
}
