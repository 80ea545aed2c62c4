import type { Plan } from '../../domain/plan.ts';
import { describeCause } from '../../observe/cause.ts';
import type { Logger } from '../../observe/log.ts';
import { openWorkerFacilitator } from '../../registry.ts';
import type { Scheme } from '../../scheme/scheme.ts';
import { type SoleGateway, startGateway } from '../gateway.ts';
import type { PrimaryLine } from './processes.ts';
import { describeStartFault } from './start-fault.ts';
import { type PrimaryMessage, PULSE_MS, settlementsOfWorker } from './worker-line.ts';

/** What a worker runs with. */
export interface WorkerDeps {
  /** Compiles the configuration that these files hold. */
  readonly load: (
    files: ReadonlyMap<string, string>,
  ) => Promise<{ readonly plan: Plan; readonly schemes: readonly Scheme[] }>;
  readonly log: Logger;
}

/**
 * Does the work of one worker, until the primary says that it is over. Resolves with whether it could start; the line
 * is hung up then, and the process ends.
 */
export async function runWorker(line: PrimaryLine, deps: WorkerDeps): Promise<boolean> {
  const begin = nextOf(line, 'begin');
  const drain = nextOf(line, 'drain');
  line.send({ kind: 'hello' });
  try {
    const gateway = await start(line, await begin, deps);
    await drain;
    // A worker that cannot close is over all the same; what it held is found in the ledger.
    await gateway
      .close()
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
  { worker, files }: PrimaryMessage & { kind: 'begin' },
  { load, log }: WorkerDeps,
): Promise<SoleGateway> {
  const { plan, schemes } = await load(files);
  const settlements = settlementsOfWorker(line);
  const gateway = await startGateway(
    { ...plan, admin: undefined },
    {
      schemes,
      log: log.child({ worker }),
      openFacilitator: (spec) => openWorkerFacilitator(spec, settlements),
    },
  );
  line.receive((message) => void obey(message, gateway, line, log));
  const pulse = (): void => line.send({ kind: 'pulse', checks: gateway.readiness() });
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
      return;
    case 'inherit':
      try {
        await gateway.inherit(message.owner);
      } catch (fault) {
        // Its last beat grows old without us.
        log.warn({ cause: describeCause(fault) }, 'what a worker left behind has to wait');
      }
      return;
    case 'measure':
      line.send({ kind: 'measured', request: message.request, snapshot: await gateway.metrics.snapshot() });
  }
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
