import type { Plan } from '../../domain/plan.ts';
import { describeCause } from '../../observe/cause.ts';
import type { Logger } from '../../observe/log.ts';
import { builtIn, inWorker, type Registry } from '../../registry.ts';
import type { Scheme } from '../../scheme/scheme.ts';
import { type SoleGateway, startGateway } from '../gateway.ts';
import type { PreparedPlan } from '../plan-history.ts';
import type { FileContents } from '../reload/config-reading.ts';
import type { PrimaryLine } from './processes.ts';
import { settlerId, settlerIds } from './settlers.ts';
import { describeStartFault } from './start-fault.ts';
import { type PrimaryMessage, PULSE_MS, settlementsOfWorker } from './worker-line.ts';

/** The parts of a worker. */
export interface WorkerDeps {
  /** Compiles the configuration in these files. */
  readonly load: (contents: FileContents) => Promise<{ readonly plan: Plan; readonly schemes: readonly Scheme[] }>;
  readonly log: Logger;
  /** Protocols, network families, kinds of stores and facilitators. Default: the built-in ones. */
  readonly registry?: Registry;
}

/**
 * Runs one worker until the primary drains it. Resolves with whether it could start. The channel to the primary is
 * closed then, and the process ends.
 */
export async function runWorker(line: PrimaryLine, deps: WorkerDeps): Promise<boolean> {
  const begin = nextOf(line, 'begin');
  const drain = nextOf(line, 'drain');
  line.send({ kind: 'hello' });
  try {
    const gateway = await start(line, await begin, deps);
    const { withinMs } = await drain;
    // A worker that cannot close ends all the same; its open work is found in the ledger.
    await gateway
      .close(withinMs)
      .catch((fault: unknown) => deps.log.error({ cause: describeCause(fault) }, 'worker did not close'));
    return true;
  } catch (fault) {
    line.send({ kind: 'failed', fault: describeStartFault(fault) });
    return false;
  } finally {
    await line.hangUp();
  }
}

async function start(
  line: PrimaryLine,
  { worker, contents }: PrimaryMessage & { kind: 'begin' },
  { load, log, registry = builtIn }: WorkerDeps,
): Promise<SoleGateway> {
  const { plan, schemes } = await load(contents);
  const channel = settlementsOfWorker(line);
  const gateway = await startGateway(
    { ...plan, admin: undefined },
    {
      schemes,
      registry,
      log: log.child({ worker }),
      sharesAddress: true,
      openFacilitator: (spec, open) => inWorker(spec, open(), { channel, id: settlerId(spec) }),
    },
  );
  line.receive((message) => void obey(message, gateway, line, log));
  takePlans(line, gateway, load);
  const pulse = (): void => {
    const settlers = settlerIds(gateway.facilitators());
    line.send({ kind: 'pulse', checks: gateway.readiness(), settlers });
  };
  pulse();
  setInterval(pulse, PULSE_MS).unref();
  line.send({ kind: 'listening', url: gateway.url, owner: gateway.owner });
  return gateway;
}

async function obey(message: PrimaryMessage, gateway: SoleGateway, line: PrimaryLine, log: Logger): Promise<void> {
  switch (message.kind) {
    case 'begin':
    case 'drain':
    case 'settlement':
    case 'prepare':
    case 'commit':
    case 'abandon':
      return;
    case 'leave':
      return gateway.leave();
    case 'inherit':
      try {
        await gateway.inherit(message.owner);
      } catch (fault) {
        // Its work is taken up later, when its heartbeat counts as old.
        log.warn({ cause: describeCause(fault) }, 'what a worker left behind has to wait');
      }
      return;
    case 'measure':
      line.send({ kind: 'measured', request: message.request, snapshot: await gateway.metrics.snapshot() });
  }
}

/**
 * Changes to another plan when all workers can. A prepared plan is committed or abandoned before the next one is
 * prepared.
 */
function takePlans(line: PrimaryLine, gateway: SoleGateway, load: WorkerDeps['load']): void {
  let prepared: PreparedPlan | undefined;
  let work = Promise.resolve();
  const prepare = async (reload: number, contents: FileContents): Promise<void> => {
    try {
      await prepared?.abandon();
      prepared = undefined;
      const { plan } = await load(contents);
      prepared = await gateway.prepare({ ...plan, admin: undefined });
      line.send({ kind: 'prepared', reload, fault: undefined });
    } catch (fault) {
      line.send({ kind: 'prepared', reload, fault: describeStartFault(fault) });
    }
  };
  line.receive((message) => {
    switch (message.kind) {
      case 'prepare':
        work = work.then(() => prepare(message.reload, message.contents));
        return;
      case 'commit':
        prepared?.commit();
        prepared = undefined;
        return;
      case 'abandon':
        work = work.then(async () => {
          await prepared?.abandon();
          prepared = undefined;
        });
        return;
      default:
    }
  });
}

function nextOf<Kind extends PrimaryMessage['kind']>(
  line: PrimaryLine,
  kind: Kind,
): Promise<PrimaryMessage & { kind: Kind }> {
  return new Promise((resolve) => {
    line.receive((message) => {
      if (isOf(message, kind)) resolve(message);
    });
  });
}

function isOf<Kind extends PrimaryMessage['kind']>(
  message: PrimaryMessage,
  kind: Kind,
): message is PrimaryMessage & { kind: Kind } {
  return message.kind === kind;
}
