import type { Server } from 'node:http';
import type { Plan } from '../../domain/plan.ts';
import type { Facilitator } from '../../facilitator/facilitator.ts';
import { serveSettlements } from '../../facilitator/relayed/settlement-service.ts';
import type { Logger } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import { openFacilitator } from '../../registry.ts';
import { createAdminListener, type ReadinessCheck } from '../admin-listener.ts';
import { closeNow, type Gateway, listenOn } from '../gateway.ts';
import { Crew } from './crew.ts';
import type { WorkerProcess } from './processes.ts';
import { settlementsOfPrimary } from './worker-line.ts';
import { WorkerMetrics } from './worker-metrics.ts';

/** What a gateway of several processes runs with besides its plan. */
export interface PrimaryDeps {
  readonly log: Logger;
  /** Starts a worker process. */
  readonly fork: () => WorkerProcess;
  /** The files that the plan was loaded from: content by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Unix milliseconds. */
  readonly clock?: () => number;
}

/** A gateway of several processes behind one address. */
export interface WorkersGateway extends Gateway {
  /** Resolves when no worker serves any more and none can be started, with the reason. The gateway is to be closed. */
  readonly lost: Promise<Error>;
}

/**
 * Starts a gateway of `plan.workers` processes. This one, the primary, holds no traffic and no store: it passes
 * connections on, replaces workers that end, answers the probes, and sends the settlements of the keys that the
 * configuration gives it, so that each key has one writer.
 *
 * @throws UnservedOfferError every facilitator answered and none serves some offer
 * @throws Error why a worker could not start
 */
export async function startWorkers(plan: Plan, deps: PrimaryDeps): Promise<WorkersGateway> {
  const settlers = openSettlers(plan);
  const own = createMetrics();
  const metrics = new WorkerMetrics(own);
  const crew = new Crew({
    size: plan.workers,
    fork: deps.fork,
    files: deps.files,
    log: deps.log,
    hired: ({ line }) => serveSettlements(settlementsOfPrimary(line), settlers),
    serving: ({ line }) => metrics.add(line),
    clock: deps.clock ?? Date.now,
  });
  let draining = false;
  const checks = (): readonly ReadinessCheck[] => [...crew.checks(), accepting(draining)];
  const admin = plan.admin && createAdminListener({ ...own, render: () => metrics.render() }, checks);
  try {
    const adminUrl = admin && plan.admin && (await listenOn(admin, plan.admin));
    const url = await crew.start();
    const close = async (): Promise<void> => {
      draining = true;
      await crew.drain(plan.drainTimeoutMs);
      await letGo(settlers, admin);
    };
    return { url, adminUrl, lost: crew.lost, close };
  } catch (fault) {
    await crew.kill();
    await letGo(settlers, admin);
    throw fault;
  }
}

/** The facilitators that send with a key of ours: opened here alone. */
function openSettlers(plan: Plan): ReadonlyMap<string, Facilitator> {
  const local = plan.facilitators.filter(({ kind }) => kind === 'local');
  return new Map(local.map((spec) => [spec.name, openFacilitator(spec)]));
}

function accepting(draining: boolean): ReadinessCheck {
  const check = { name: 'accepting requests', ready: !draining };
  return draining ? { ...check, detail: 'draining' } : check;
}

/** Settlements whose worker ended are finished first; the probes answer to the end. */
async function letGo(settlers: ReadonlyMap<string, Facilitator>, admin: Server | undefined): Promise<void> {
  await Promise.all([...settlers.values()].map((settler) => settler.close()));
  if (admin !== undefined) closeNow(admin);
}
