import { randomUUID } from 'node:crypto';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Plan } from '../domain/plan.ts';
import { offersOf } from '../domain/plan-parts.ts';
import { releaseWhenQuiet } from '../engine/release-when-quiet.ts';
import { letYoungGenerationGrow } from '../engine/young-generation.ts';
import { droppedLines } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Door } from '../pipeline/door.ts';
import { builtIn, FacilitatorOpener, openStore, type Registry } from '../registry.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import { AdminSite } from './admin/admin-site.ts';
import { LedgerAccess } from './admin/ledger-access.ts';
import { createAdminListener } from './admin-listener.ts';
import { askPatiently } from './ask-patiently.ts';
import { assemble, type BaseParts, letGo, type Parts } from './assemble.ts';
import { forSale } from './for-sale.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import { closeNow, listenOn, removeStaleSocket } from './listening.ts';
import { openPlanParts } from './open-plan-parts.ts';
import { openTracer } from './open-tracer.ts';
import type { PlanParts, PreparedPlan } from './plan-history.ts';
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
  /** Tells on `/readyz` that it will stop, and goes on serving: load balancers need a moment to react. */
  leave(): void;
  /**
   * Accepts no more requests, finishes those in flight, closes everything.
   *
   * @param withinMs how long that may take, in milliseconds; default: the plan's `drainTimeout`
   */
  close(withinMs?: number): Promise<void>;
}

/** A gateway that does all its work in this process. */
export interface SoleGateway extends Gateway, Reloadable {
  /** This process's name in the ledger. */
  readonly owner: string;
  readonly metrics: Metrics;
  /** Whether it can do its work now, check by check. */
  readiness(): readonly ReadinessCheck[];
  /** The open facilitators of this process, including those that only open payments need. */
  facilitators(): readonly FacilitatorSpec[];
  /**
   * Opens another plan beside the one in force, which does not change until the new one is committed. Settings that
   * only a restart can change must be the same.
   *
   * @throws UnservedOfferError when every facilitator answered and none serves some offer
   */
  prepare(plan: Plan): Promise<PreparedPlan>;
  /** Takes up at once what a process held that has certainly ended, before its heartbeat counts as old. */
  inherit(owner: string): Promise<void>;
}

/**
 * Starts a gateway. It starts without a facilitator that cannot be reached: priced routes answer 503 meanwhile, free
 * ones work. It does not start without its store.
 *
 * @throws UnservedOfferError when every facilitator answered and none serves some offer
 * @throws StoreOpenError when the store cannot be opened
 */
export async function startGateway(plan: Plan, deps: GatewayDeps): Promise<SoleGateway> {
  const store = await (deps.store ?? openStore(plan.store, deps.registry));
  const base = await closing(store, openBaseParts(plan, store, deps));
  const parts = assemble(plan, base, deps);
  try {
    // The ledger reads while the facilitators are asked.
    const recalling = askPatiently(() => parts.recent.recall());
    recalling.catch(() => {});
    await parts.plans.begin();
    (await recalling)();
    await askPatiently(() => parts.keeper.prepareFor(plan));
    await parts.reconciler.start();
    parts.messenger.start();
    return await listen(parts, deps);
  } catch (fault) {
    await letGo(parts);
    throw fault;
  }
}

/** Opens the parts that need the store, and that all other parts need. */
async function openBaseParts(plan: Plan, store: PaymentStore, deps: GatewayDeps): Promise<BaseParts> {
  const owner = randomUUID();
  const opener = new FacilitatorOpener(deps.registry ?? builtIn);
  await opener.load(plan.facilitators);
  const tracer = await openTracer(plan, owner, deps);
  const openParts = partsOpener(store, deps);
  return { owner, tracer, store, openParts, planParts: await askPatiently(() => openParts(plan)), opener };
}

/** Outside of the functions that know the first plan: a function made within one of them would keep it in memory. */
function partsOpener(store: PaymentStore, deps: GatewayDeps): (plan: Plan) => Promise<PlanParts> {
  return (plan) => openPlanParts(plan, store, deps);
}

/** Closes a store that cannot give its key: nothing that would close it exists yet. */
async function closing<T>(store: PaymentStore, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (fault) {
    await store.close();
    throw fault;
  }
}

/** Another way in for a plan, where it has one. Outside of `listen` for the reason of {@link partsOpener}. */
async function openDoor(plan: Plan, { doorKinds }: Registry): Promise<Door | undefined> {
  return await doorKinds.find((kind) => kind.isFor(plan))?.open(plan);
}

async function listen(parts: Parts, deps: GatewayDeps): Promise<SoleGateway> {
  const { configuration = soundConfiguration, reloads, registry = builtIn, log, sharesAddress = false } = deps;
  const { plans, services, metrics, store, reconciler, facilitators, opener } = parts;
  const { plan } = plans.current;
  const listener = createPublicListener(services, await openDoor(plan, registry), log);
  metrics.readConnections(() => listener.connections);
  metrics.readDroppedLines(() => droppedLines(log));
  const checks = (): readonly ReadinessCheck[] => {
    const { leaving } = listener;
    return [configuration(), ...readiness(plans.current, { leaving, ledgerAnswers: reconciler.ledgerAnswers })];
  };
  metrics.readReadiness(checks);
  const noteOffers = (): void => {
    const runtime = plans.current;
    metrics.noteAssets(offersOf(runtime.plan).map(({ asset }) => asset));
    metrics.noteForSale(forSale(runtime.plan, (route) => runtime.protocols(route)));
  };
  noteOffers();
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
        // A silent log was not configured by the operator, and stays silent.
        if (log.level !== 'silent') log.level = next.log.level;
        commit();
        noteOffers();
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
    const stopReleasing = releaseWhenQuiet();
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
        stopReleasing();
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
