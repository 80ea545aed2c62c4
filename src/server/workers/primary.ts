import type { Server } from 'node:http';
import type { Plan } from '../../domain/plan.ts';
import { serveSettlements } from '../../facilitator/relayed/settlement-service.ts';
import { describeCause } from '../../observe/cause.ts';
import type { Logger } from '../../observe/log.ts';
import { createMetrics, type Metrics } from '../../observe/metrics.ts';
import { builtIn, FacilitatorOpener, type Registry } from '../../registry.ts';
import { AdminSite } from '../admin/admin-site.ts';
import { LedgerAccess } from '../admin/ledger-access.ts';
import { createAdminListener } from '../admin-listener.ts';
import type { Gateway } from '../gateway.ts';
import { closeNow, listenOn, removeStaleSocket } from '../listening.ts';
import { accepting, soundConfiguration } from '../readiness.ts';
import type { ReadinessCheck } from '../readiness-check.ts';
import type { FileContents } from '../reload/config-reading.ts';
import type { Reloads } from '../reload/reload-history.ts';
import type { Reloadable } from '../reload/reloader.ts';
import { SettlerWatch } from '../settler-watch.ts';
import type { WorkerProcess } from './processes.ts';
import { Settlers } from './settlers.ts';
import { WorkerGroup } from './worker-group.ts';
import { settlementsOfPrimary } from './worker-line.ts';
import { WorkerMetrics } from './worker-metrics.ts';

/** The parts of a gateway of several processes besides its plan. */
export interface PrimaryDeps {
  readonly log: Logger;
  /** Kinds of facilitators. Default: the built-in ones. */
  readonly registry?: Registry;
  /** Starts a worker process. */
  readonly fork: () => WorkerProcess;
  /** The files that the plan was loaded from. */
  readonly contents: FileContents;
  /** The state of the configuration file for `/readyz`. Default: sound. */
  readonly configuration?: () => ReadinessCheck;
  /** The results of reading the configuration file, for the admin page. Default: no file is watched. */
  readonly reloads?: Reloads;
  /** Unix milliseconds. */
  readonly clock?: () => number;
}

/** A gateway of several processes behind one address. */
export interface WorkersGateway extends Gateway, Reloadable {
  /** The primary's own metrics. */
  readonly metrics: Metrics;
  /** Resolves with the reason when no worker serves any more and none can be started. Then close the gateway. */
  readonly lost: Promise<Error>;
}

/**
 * Starts a gateway of `plan.workers` processes. This process, the primary, holds no traffic and no store. It passes
 * connections on, replaces workers that end, and answers the probes. It also sends the settlements of the keys in the
 * configuration, so that each key has one writer.
 *
 * @throws UnservedOfferError every facilitator answered and none serves some offer
 * @throws Error why a worker could not start
 */
export async function startWorkers(plan: Plan, deps: PrimaryDeps): Promise<WorkersGateway> {
  const own = createMetrics();
  const settlers = new Settlers(new FacilitatorOpener(deps.registry), {
    onFailedGas: (...burnt) => own.gasFailed(...burnt),
  });
  await settlers.add(plan);
  const metrics = new WorkerMetrics(own);
  const watch = new SettlerWatch({ facilitators: () => settlers.byId.values(), metrics: own });
  const group = openGroup(plan.workers, deps, settlers, metrics);
  const { configuration = soundConfiguration } = deps;
  let inForce = plan;
  let leaving = false;
  const checks = (): readonly ReadinessCheck[] => [configuration(), ...group.checks(), accepting(leaving)];
  own.readReadiness(() => [configuration(), ...group.presence(), accepting(leaving)]);
  const { reloads, registry = builtIn, log, clock = Date.now } = deps;
  const site = new AdminSite(
    {
      plan: () => inForce,
      registry,
      ledger: new LedgerAccess(plan.store, registry),
      checks,
      counters: () => metrics.snapshot(),
      reloads,
      clock,
    },
    log,
  );
  const admin = plan.admin && createAdminListener({ metrics, checks, plan: () => inForce, site });
  const leave = (): void => {
    leaving = true;
    group.leave();
  };
  try {
    await removeStaleSocket(plan.listen);
    if (admin && plan.admin) await removeStaleSocket(plan.admin);
    const adminUrl = admin && plan.admin && (await listenOn(admin, plan.admin));
    const url = await group.start();
    return {
      url,
      adminUrl,
      metrics: own,
      lost: group.lost,
      leave,
      async reload(next, contents) {
        await changeOver(group, settlers, { from: inForce, to: next }, contents);
        inForce = next;
        void watch.look();
      },
      async close(withinMs = inForce.drainTimeoutMs) {
        leave();
        watch.stop();
        await group.drain(withinMs);
        await letGo(settlers, admin);
      },
    };
  } catch (fault) {
    watch.stop();
    await group.kill();
    await letGo(settlers, admin);
    throw fault;
  }
}

function openGroup(size: number, deps: PrimaryDeps, settlers: Settlers, metrics: WorkerMetrics): WorkerGroup {
  const { fork, contents, log, clock = Date.now } = deps;
  const unclosed = (fault: unknown): void => log.warn({ cause: describeCause(fault) }, 'a settler did not close');
  return new WorkerGroup({
    size,
    fork,
    contents,
    log,
    forked: ({ line }) => serveSettlements(settlementsOfPrimary(line), settlers.byId),
    serving: ({ line }) => metrics.add(line),
    settlersInUse: (ids) => void settlers.sweep(ids).catch(unclosed),
    clock,
  });
}

/** Opens the keys of the new plan before a worker needs them, and keeps those of the old plan until no worker does. */
async function changeOver(
  group: WorkerGroup,
  settlers: Settlers,
  plans: { readonly from: Plan; readonly to: Plan },
  contents: FileContents,
): Promise<void> {
  await settlers.add(plans.to);
  try {
    await group.reload(contents);
    settlers.keepOnly(plans.to);
  } catch (fault) {
    settlers.keepOnly(plans.from);
    throw fault;
  }
}

/** Settlements whose worker ended are finished first; the probes answer to the end. */
async function letGo(settlers: Settlers, admin: Server | undefined): Promise<void> {
  await settlers.close();
  if (admin !== undefined) closeNow(admin);
}
