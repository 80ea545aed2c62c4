import { randomUUID } from 'node:crypto';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Plan } from '../domain/plan.ts';
import { offersOf } from '../domain/plan-parts.ts';
import { letYoungGenerationGrow } from '../engine/young-generation.ts';
import { droppedLines } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { builtIn, FacilitatorOpener, openStore } from '../registry.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import { AdminSite } from './admin/admin-site.ts';
import { LedgerAccess } from './admin/ledger-access.ts';
import { createAdminListener } from './admin-listener.ts';
import { assemble, type Ground, letGo, type Parts } from './assemble.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import { closeNow, listenOn, removeStaleSocket } from './listening.ts';
import { openPlanParts } from './open-plan-parts.ts';
import { openTracer } from './open-tracer.ts';
import type { PlanParts, PreparedPlan } from './plan-line.ts';
import { createPublicListener } from './public-listener.ts';
import { readiness, soundConfiguration } from './readiness.ts';
import type { ReadinessCheck } from './readiness-check.ts';
import type { Reloadable } from './reload/reloader.ts';
import { SettlerWatch } from './settler-watch.ts';
import { shutDown } from './shut-down.ts';

/** A gateway that listens. */
export interface Gateway {
  /** `http://host:port` of the public listener. */
  readonly url: string;
  /** `http://host:port` of the admin listener. */
  readonly adminUrl: string | undefined;
  /** Says on the readiness page that it is about to go, and serves on: load balancers need a moment to look elsewhere. */
  leave(): void;
  /**
   * Stops taking requests, finishes those in flight, lets go of everything.
   *
   * @param withinMs how long that may take, in milliseconds; default: the plan's `drainTimeout`
   */
  close(withinMs?: number): Promise<void>;
}

/** A gateway whose whole work is done in this process. */
export interface SoleGateway extends Gateway, Reloadable {
  /** This process's name in the ledger. */
  readonly owner: string;
  readonly metrics: Metrics;
  /** Whether it can do its work now, point by point. */
  readiness(): readonly ReadinessCheck[];
  /** The facilitators that this process has open, those that only open payments need included. */
  facilitators(): readonly FacilitatorSpec[];
  /**
   * Opens another plan beside the one in force, which stays as it is until the new one is committed. What only a
   * restart can change has to be the same.
   *
   * @throws UnservedOfferError when every facilitator answered and none serves some offer
   */
  prepare(plan: Plan): Promise<PreparedPlan>;
  /** Takes up at once what a process left behind that has certainly ended, instead of when its last beat is old. */
  inherit(owner: string): Promise<void>;
}

/**
 * Starts a gateway. A facilitator that cannot be reached does not keep it from starting: priced routes answer 503 until
 * it can, free ones work. A store that cannot be reached does.
 *
 * @throws UnservedOfferError when every facilitator answered and none serves some offer
 * @throws StoreOpenError when the store cannot be opened
 */
export async function startGateway(plan: Plan, deps: GatewayDeps): Promise<SoleGateway> {
  const store = await (deps.store ?? openStore(plan.store, deps.registry));
  const ground = await closing(store, openGround(plan, store, deps));
  const parts = assemble(plan, ground, deps);
  try {
    // The ledger reads while the facilitators are asked.
    const recalling = parts.recent.recall();
    recalling.catch(() => {});
    await parts.plans.begin();
    (await recalling)();
    await parts.keeper.prepareFor(plan);
    await parts.reconciler.start();
    parts.messenger.start();
    return await listen(parts, deps);
  } catch (fault) {
    await letGo(parts);
    throw fault;
  }
}

/** What stands on the store, and everything else on. */
async function openGround(plan: Plan, store: PaymentStore, deps: GatewayDeps): Promise<Ground> {
  const owner = randomUUID();
  const opener = new FacilitatorOpener(deps.registry ?? builtIn);
  await opener.load(plan.facilitators);
  const tracer = await openTracer(plan, owner, deps);
  const openParts = (next: Plan): Promise<PlanParts> => openPlanParts(next, store, deps);
  return { owner, tracer, store, openParts, planParts: await openParts(plan), opener };
}

/** A store that cannot say its key is closed: nothing is assembled yet that would. */
async function closing<T>(store: PaymentStore, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (fault) {
    await store.close();
    throw fault;
  }
}

async function listen(parts: Parts, deps: GatewayDeps): Promise<SoleGateway> {
  const { configuration = soundConfiguration, reloads, registry = builtIn, log, sharesAddress = false } = deps;
  const { plans, services, metrics, store, reconciler, facilitators, opener } = parts;
  const { plan } = plans.current;
  const listener = createPublicListener(services);
  metrics.readConnections(() => listener.connections);
  metrics.readDroppedLines(() => droppedLines(log));
  const checks = (): readonly ReadinessCheck[] => {
    const { leaving } = listener;
    return [configuration(), ...readiness(plans.current, { leaving, ledgerAnswers: reconciler.ledgerAnswers })];
  };
  metrics.readReadiness(checks);
  metrics.noteAssets(offersOf(plan).map(({ asset }) => asset));
  const settlers = new SettlerWatch({ facilitators: () => facilitators.inForce, metrics });
  const site = new AdminSite(
    {
      plan: () => plans.current.plan,
      registry,
      ledger: new LedgerAccess(plan.store, registry, store),
      checks,
      counters: () => metrics.snapshot(),
      reloads,
      clock: services.clock,
    },
    log,
  );
  const admin = plan.admin && createAdminListener({ metrics, checks, plan: () => plans.current.plan, site });
  const prepare = async (next: Plan): Promise<PreparedPlan> => {
    await opener.load(next.facilitators);
    const { commit, ...prepared } = await plans.prepare(next, () => listener.begunAreOver());
    return {
      ...prepared,
      commit() {
        // One that is to be silent is not the operator's.
        if (log.level !== 'silent') log.level = next.log.level;
        commit();
        metrics.noteAssets(offersOf(next).map(({ asset }) => asset));
        void settlers.look();
      },
    };
  };
  try {
    if (!sharesAddress) await removeStaleSocket(plan.listen);
    if (admin && plan.admin) await removeStaleSocket(plan.admin);
    const url = await listenOn(listener.server, plan.listen, plan.tls === undefined ? 'http' : 'https');
    const adminUrl = admin && plan.admin && (await listenOn(admin, plan.admin));
    if (admin) void site.warm();
    const stopGrowing = letYoungGenerationGrow();
    return {
      url,
      adminUrl,
      owner: services.owner,
      metrics,
      readiness: checks,
      facilitators: () => facilitators.specs,
      prepare,
      reload: async (next) => (await prepare(next)).commit(),
      async inherit(owner) {
        await store.retire(owner);
        reconciler.wake();
      },
      leave: () => listener.leave(),
      close: (withinMs = plans.current.plan.drainTimeoutMs) => {
        stopGrowing();
        settlers.stop();
        return shutDown(parts, { listener, admin }, withinMs, log);
      },
    };
  } catch (fault) {
    settlers.stop();
    closeNow(listener.server);
    throw fault;
  }
}
