import { randomBytes, randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { ListenAddress, Plan } from '../domain/plan.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { describeCause } from '../observe/cause.ts';
import type { Logger } from '../observe/log.ts';
import { createRequestLog } from '../observe/log.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import type { Observer } from '../observe/observer.ts';
import { CreditGate } from '../pipeline/credit-gate.ts';
import type { Services } from '../pipeline/runtime.ts';
import { Reconciler, type RecoveryNotes } from '../recovery/reconciler.ts';
import { openFacilitator, openStore, protocols } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import { createAdminListener, type ReadinessCheck } from './admin-listener.ts';
import { observeFacilitator } from './observed-facilitator.ts';
import { createPublicListener, type PublicListener } from './public-listener.ts';
import { readiness, refuseUnserved } from './readiness.ts';
import { RecentOffers } from './recent-offers.ts';
import { type OpenRuntime, openRuntime } from './runtime.ts';

/** How long the facilitators may take to say what they support before the gateway listens without knowing. */
const FIRST_SUPPORTED_MS = 10_000;

/** What a gateway runs with besides its plan. */
export interface GatewayDeps {
  readonly schemes: readonly Scheme[];
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly clock?: () => number;
  /** Default: opens what the plan names. The gateway closes it. */
  readonly store?: PaymentStore;
  /** Default: the registry's. */
  readonly openFacilitator?: (spec: FacilitatorSpec) => Facilitator;
}

/** A gateway that listens. */
export interface Gateway {
  /** `http://host:port` of the public listener. */
  readonly url: string;
  /** `http://host:port` of the admin listener. */
  readonly adminUrl: string | undefined;
  /** Stops taking requests, finishes those in flight within the plan's `drainTimeout`, lets go of everything. */
  close(): Promise<void>;
}

/** A gateway whose whole work is done in this process. */
export interface SoleGateway extends Gateway {
  /** This process's name in the ledger. */
  readonly owner: string;
  readonly metrics: Metrics;
  /** Whether it can do its work now, point by point. */
  readiness(): readonly ReadinessCheck[];
  /** Takes up at once what a process left behind that has certainly ended, instead of when its last beat is old. */
  inherit(owner: string): Promise<void>;
}

/** What is opened in turn and closed together. */
interface Parts {
  readonly plan: Plan;
  readonly store: PaymentStore;
  readonly runtime: OpenRuntime;
  readonly reconciler: Reconciler;
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
  const store = deps.store ?? (await openStore(plan.store));
  const parts = assemble(plan, store, deps);
  try {
    await parts.runtime.facilitators.refresh(AbortSignal.timeout(FIRST_SUPPORTED_MS));
    refuseUnserved(parts.runtime);
    await parts.recent.load();
    await parts.reconciler.start();
    return await listen(parts);
  } catch (fault) {
    await letGo(parts);
    throw fault;
  }
}

function assemble(plan: Plan, store: PaymentStore, deps: GatewayDeps): Parts & { readonly recent: RecentOffers } {
  const { log, schemes, clock = Date.now } = deps;
  const metrics = createMetrics();
  const recent = new RecentOffers(store, plan.routes, clock);
  const observer = fanOut([metrics, createRequestLog(log)]);
  const openOne = deps.openFacilitator ?? openFacilitator;
  const open = (spec: FacilitatorSpec): Facilitator => observeFacilitator(openOne(spec), observer);
  const runtime = openRuntime(plan, recent, open, (facilitator, operation, fault) =>
    log.warn({ facilitator: facilitator.name, operation, cause: describeCause(fault) }, 'facilitator fault'),
  );
  const owner = randomUUID();
  const reconciler = new Reconciler({
    store,
    owner,
    facilitator: (name) => runtime.facilitators.named(name),
    retentionMs: () => plan.retentionMs,
    everyRound: async () => {
      await recent.remember();
      metrics.setOpenSettlements(await store.countOpen(), clock());
    },
    notes: recoveryNotes(log, observer),
    clock,
  });
  const services: Services = {
    owner,
    ledger: store,
    observer,
    schemes,
    protocols,
    creditGate: new CreditGate(),
    abandoned: (payment) => reconciler.adopt(payment),
    owed: () => reconciler.wake(),
    clock,
    newRequestId,
    runtime: () => runtime,
  };
  return { plan, store, runtime, reconciler, metrics, services, recent };
}

async function listen(parts: Parts): Promise<SoleGateway> {
  const { plan, services, metrics, runtime, store, reconciler } = parts;
  const listener = createPublicListener(services, plan.limits.headerBytes);
  metrics.readConnections(() => listener.connections);
  const checks = (): readonly ReadinessCheck[] => readiness(runtime, listener.draining);
  const admin = plan.admin && createAdminListener(metrics, checks);
  try {
    const url = await listenOn(listener.server, plan.listen);
    const adminUrl = admin && plan.admin && (await listenOn(admin, plan.admin));
    return {
      url,
      adminUrl,
      owner: services.owner,
      metrics,
      readiness: checks,
      async inherit(owner) {
        await store.retire(owner);
        reconciler.wake();
      },
      close: () => shutDown(parts, listener, admin),
    };
  } catch (fault) {
    closeNow(listener.server);
    throw fault;
  }
}

/** Requests first, then what they stand on; the probes answer to the end. */
async function shutDown(parts: Parts, listener: PublicListener, admin: Server | undefined): Promise<void> {
  await listener.drain(parts.plan.drainTimeoutMs, () => parts.runtime.cutTunnels());
  await letGo(parts);
  if (admin !== undefined) closeNow(admin);
}

async function letGo({ runtime, reconciler, store }: Parts): Promise<void> {
  await reconciler.stop();
  await runtime.close();
  await store.close();
}

/** Closes a server and its connections. */
export function closeNow(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** Has a server listen, and returns its `http://host:port`. */
export function listenOn(server: Server, { host, port }: ListenAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(urlOf(server.address()));
    });
  });
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('the listener has no address');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function recoveryNotes(log: Logger, observer: Observer): RecoveryNotes {
  return {
    moved: (record, step) => {
      const { key, route, payer, settlement } = record;
      const { to, reason } = step;
      log.info({ key, route, payer, state: to, reason, transaction: settlement?.transaction }, 'payment moved');
      observer.paymentMoved({ record, to, settled: step.settlement !== undefined });
    },
    takenBack: ({ key, route, payer, settlement }) =>
      log.error({ key, route, payer, transaction: settlement?.transaction }, 'settlement is no longer on the chain'),
    trouble: (what, fault) => log.warn({ what, cause: describeCause(fault) }, 'recovery has to wait'),
  };
}

function fanOut(observers: readonly Partial<Observer>[]): Observer {
  return {
    requestFinished(summary) {
      for (const observer of observers) observer.requestFinished?.(summary);
    },
    paymentMoved(move) {
      for (const observer of observers) observer.paymentMoved?.(move);
    },
    facilitatorCalled(call) {
      for (const observer of observers) observer.facilitatorCalled?.(call);
    },
    passNoted(event) {
      for (const observer of observers) observer.passNoted?.(event);
    },
  };
}

/** 96 random bits: unique in logs, says nothing about the traffic. */
function newRequestId(): string {
  return randomBytes(12).toString('hex');
}
