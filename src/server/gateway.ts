import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Plan } from '../domain/plan.ts';
import { letYoungGenerationGrow } from '../engine/young-generation.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { McpState } from '../mcp/mcp-state.ts';
import { describeCause } from '../observe/cause.ts';
import { fanOut } from '../observe/fan-out.ts';
import type { Logger } from '../observe/log.ts';
import { createRequestLog, droppedLines } from '../observe/log.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import type { Observer } from '../observe/observer.ts';
import { Outages, STORE, watchOutages } from '../observe/outages.ts';
import { createTokenKey } from '../pass/token-keys.ts';
import { UseCounter } from '../pass/use-counter.ts';
import { CreditGates } from '../pipeline/credit-gates.ts';
import { createLimiters } from '../pipeline/limits/limiters.ts';
import type { After, Services } from '../pipeline/runtime.ts';
import { Reconciler, type RecoveryNotes } from '../recovery/reconciler.ts';
import { builtIn, FacilitatorOpener, openProtocols, openStore, type Registry } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import type { Messenger } from '../webhook/messenger.ts';
import { openAccessTools } from './access-desk.ts';
import { AdminSite } from './admin/admin-site.ts';
import { LedgerAccess } from './admin/ledger-access.ts';
import { createAdminListener } from './admin-listener.ts';
import { closeNow, listenOn, removeStaleSocket } from './listening.ts';
import { openMessenger } from './open-messenger.ts';
import { openPlans, type Plans } from './open-plans.ts';
import { openTracer } from './open-tracer.ts';
import { PassKeeper } from './pass-keeper.ts';
import type { PlanParts, PreparedPlan } from './plan-line.ts';
import { createPublicListener, type PublicListener } from './public-listener.ts';
import { offersOf, readiness, soundConfiguration } from './readiness.ts';
import type { ReadinessCheck } from './readiness-check.ts';
import { openReceipts } from './receipts.ts';
import type { Reloads } from './reload/reload-history.ts';
import type { Reloadable } from './reload/reloader.ts';
import { createRequestIds } from './request-id.ts';
import { SettlerWatch } from './settler-watch.ts';

/** What a shutdown may take beyond its time, in milliseconds: requests that were cut write down what became of them. */
const LAST_WORDS_MS = 2000;

/** What a gateway runs with besides its plan. */
export interface GatewayDeps {
  readonly schemes: readonly Scheme[];
  /** Protocols, network families, kinds of stores and facilitators. Default: what is built in. */
  readonly registry?: Registry;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly clock?: () => number;
  /** Default: a timer of this process. */
  readonly after?: After;
  /** Default: opens what the plan names. The gateway closes it. */
  readonly store?: PaymentStore;
  /** What is to be said of the configuration file on the readiness page. Default: that it is sound. */
  readonly configuration?: () => ReadinessCheck;
  /** Whether other processes listen on the public address, too; then the primary has cleared it. Default: `false`. */
  readonly sharesAddress?: boolean;
  /** What became of the configuration file, for the admin page. Default: no file is followed. */
  readonly reloads?: Reloads;
  /** `open` opens the registry's, which is the default. */
  readonly openFacilitator?: (spec: FacilitatorSpec, open: () => Facilitator) => Facilitator;
}

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

/** What is opened in turn and closed together. */
interface Parts extends Plans {
  readonly store: PaymentStore;
  readonly reconciler: Reconciler;
  readonly messenger: Messenger;
  readonly keeper: PassKeeper;
  readonly opener: FacilitatorOpener;
  readonly metrics: Metrics;
  readonly services: Services;
}

/**
 * Starts a gateway. A facilitator that cannot be reached does not keep it from starting: priced routes answer 503 until
 * it can, free ones work. A store that cannot be reached does.
 *
 * @throws UnservedOfferError when every facilitator answered and none serves some offer
 * @throws StoreOpenError when the store cannot be opened
 */
export async function startGateway(plan: Plan, deps: GatewayDeps): Promise<SoleGateway> {
  const owner = randomUUID();
  const { registry = builtIn } = deps;
  const opener = new FacilitatorOpener(registry);
  await opener.load(plan.facilitators);
  const tracer = await openTracer(plan, owner, deps);
  const store = deps.store ?? (await openStore(plan.store, registry));
  const openParts = (next: Plan): Promise<PlanParts> => openPlanParts(next, store, deps);
  const planParts = await closing(store, openParts(plan));
  const parts = assemble(plan, { owner, tracer, store, openParts, planParts, opener }, deps);
  try {
    await parts.plans.begin();
    await parts.recent.load();
    await parts.keeper.prepareFor(plan);
    await parts.reconciler.start();
    parts.messenger.start();
    return await listen(parts, deps);
  } catch (fault) {
    await letGo(parts);
    throw fault;
  }
}

/** What a plan needs of the store. */
async function openPlanParts(plan: Plan, store: PaymentStore, deps: GatewayDeps): Promise<PlanParts> {
  const { registry = builtIn, clock = Date.now } = deps;
  const storeSecret = async (): Promise<string> => (await store.passes.tokenKey(createTokenKey)).secret;
  const protocols = await openProtocols(plan, registry, { mpp: plan.mpp, storeSecret, clock });
  const accessTools = await openAccessTools(plan, store.passes, clock);
  return { protocols, accessTools, receipts: await openReceipts(plan, storeSecret, clock) };
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

/** What was opened before anything else. */
interface Ground extends Pick<Services, 'owner' | 'tracer'> {
  readonly store: PaymentStore;
  readonly openParts: (plan: Plan) => Promise<PlanParts>;
  /** Of the first plan. */
  readonly planParts: PlanParts;
  readonly opener: FacilitatorOpener;
}

function assemble(plan: Plan, ground: Ground, deps: GatewayDeps): Parts {
  const { owner, tracer, store, opener, openParts, planParts } = ground;
  const { log, schemes, registry: { families, answerReaders } = builtIn, clock = Date.now, after = afterTimer } = deps;
  const metrics = createMetrics();
  const outages = new Outages(log, clock);
  const observer = fanOut([
    metrics,
    createRequestLog(log, () => plans.current.plan.log),
    watchOutages(outages),
    { paymentMoved: (move) => messenger.heed(move) },
  ]);
  const trouble = (fault: unknown): void => log.warn({ cause: describeCause(fault) }, 'revocations have to wait');
  const keeper = new PassKeeper({ store: store.passes, trouble, clock });
  const opened = openPlans(plan, {
    store,
    schemes,
    log,
    observer,
    openFacilitator: (spec, reports) => {
      const open = (): Facilitator => opener.open(spec, { families, ...reports });
      return deps.openFacilitator === undefined ? open() : deps.openFacilitator(spec, open);
    },
    keeper,
    parts: planParts,
    openParts,
    clock,
  });
  const { plans, recent, facilitators } = opened;
  const reconciler = new Reconciler({
    store,
    owner,
    facilitator: (name, network) => facilitators.find(name, network),
    next: (...of) => plans.current.facilitators.next(...of),
    retentionMs: () => plans.current.plan.retentionMs,
    retryWindowMs: () => plans.current.plan.retryWindowMs,
    webhooks: () => plans.current.plan.webhooks,
    everyRound: async () => {
      await countOpen(store, metrics, clock);
      outages.worked(STORE);
      await recent.remember();
      await facilitators.sweep();
    },
    notes: recoveryNotes(log, observer, outages),
    clock,
  });
  const messenger = openMessenger({ store, plan: () => plans.current.plan, log, metrics, outages, clock });
  const services: Services = {
    owner,
    ledger: store,
    observer,
    tracer,
    schemes,
    families,
    answerReaders,
    mcp: new McpState(),
    creditGate: new CreditGates(),
    limiters: createLimiters(clock),
    passes: keeper,
    uses: new UseCounter(store.uses, clock),
    abandoned: (payment) => reconciler.adopt(payment),
    owed: () => reconciler.wake(),
    clock,
    after,
    newRequestId: createRequestIds(),
    runtime: () => plans.current,
  };
  return { ...opened, store, reconciler, messenger, metrics, services, keeper, opener };
}

function afterTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** A count that is old says nothing: without a ledger to read, nothing is shown. */
async function countOpen(store: PaymentStore, metrics: Metrics, clock: () => number): Promise<void> {
  try {
    metrics.setOpenSettlements(await store.countOpen(), clock());
  } catch (fault) {
    metrics.setOpenSettlements(undefined, clock());
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
        return shutDown(parts, listener, admin, withinMs, log);
      },
    };
  } catch (fault) {
    settlers.stop();
    closeNow(listener.server);
    throw fault;
  }
}

/**
 * Requests first, then what they stand on; the probes answer to the end. A settlement that takes longer than there is
 * time is left to recovery, which finds out what became of it: it was written down before it was sent.
 */
async function shutDown(
  parts: Parts,
  listener: PublicListener,
  admin: Server | undefined,
  withinMs: number,
  log: Logger,
): Promise<void> {
  const startedAt = performance.now();
  const finish = async (): Promise<void> => {
    await listener.drain(withinMs, () => parts.plans.cutTunnels());
    const left = Math.max(0, withinMs - (performance.now() - startedAt));
    await Promise.all([letGo(parts), parts.services.tracer?.close(left)]);
  };
  if (!(await isDoneWithin(finish(), withinMs + LAST_WORDS_MS))) {
    log.warn({ withinMs }, 'settlements that did not finish in time are left to recovery');
  }
  if (admin !== undefined) closeNow(admin);
}

async function isDoneWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function letGo({ plans, facilitators, reconciler, messenger, keeper, store }: Parts): Promise<void> {
  await reconciler.stop();
  await messenger.stop();
  await plans.close();
  await keeper.close();
  await facilitators.close();
  await store.close();
}

function recoveryNotes(log: Logger, observer: Observer, outages: Outages): RecoveryNotes {
  return {
    moved: (record, step) => {
      const { key, route, payer, settlement } = record;
      const { to, reason } = step;
      log.info({ key, route, payer, state: to, reason, transaction: settlement?.transaction }, 'payment changed state');
      observer.paymentMoved({ record, to, settled: step.settlement !== undefined });
    },
    takenBack: ({ key, route, payer, settlement }) =>
      log.error({ key, route, payer, transaction: settlement?.transaction }, 'settlement is no longer on the chain'),
    trouble: (what, fault) => {
      if (fault instanceof GatewayError && fault.code === 'store_unavailable') outages.failed(STORE, fault);
      else log.warn({ what, cause: describeCause(fault) }, 'recovery has to wait');
    },
  };
}
