import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../src/registry.ts';
import { planOf, startTestGateway, type TestGateway } from '../gateway.ts';
import { type Cell, cellsOf, type FacilitatorFault } from './cells.ts';
import { type FaultyFacilitator, type SoundFacilitator, startFaultyFacilitator } from './faulty-facilitator.ts';
import { type FaultyUpstream, startFaultyUpstream } from './faulty-upstream.ts';
import type { Money } from './money.ts';
import { type WatchedStore, watchStore } from './watched-store.ts';

/** What each cell's route costs, in atomic units. */
export const PRICE = 10_000n;
/** The gateway's patience where a facilitator never answers; everywhere else nothing is that slow. */
const SHORT = '10s';
/** The same where it is asked again what became of a settlement: it answers then, for many payments at once. */
const SHORT_IN_DOUBT = '20s';

/** A cell with a route, a payee and a path of its own. */
export interface Stage {
  readonly cell: Cell;
  readonly route: string;
  readonly path: string;
  readonly payTo: string;
}

/** One gateway whose facilitator and upstream go wrong, until both recover. */
export interface Scene {
  readonly money: Money;
  readonly gateway: TestGateway;
  readonly facilitator: FaultyFacilitator;
  readonly upstream: FaultyUpstream;
  readonly watched: WatchedStore;
  readonly stages: readonly Stage[];
  /** Time goes on for the gateway: until then nothing that is due later is looked into. */
  letTimePass(): void;
  close(): Promise<void>;
}

/**
 * Starts a gateway with a ledger in a file, in front of faulty ones. Its clock stands still, so that a payment in doubt
 * stays there until {@link Scene.letTimePass}.
 *
 * @param money the chain that is paid on
 * @param sound the facilitator that does the work behind the faulty one
 */
export async function openScene(money: Money, sound: SoundFacilitator, fault: FacilitatorFault): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-faults-'));
  const stages = await Promise.all(cellsOf(fault).map((cell) => stageOf(cell, money)));
  const upstream = await startFaultyUpstream(new Map(stages.map(({ path, cell }) => [path, cell.upstream])));
  const facilitator = await startFaultyFacilitator(sound, fault, stages.length);
  const text = configOf({ money, fault, stages, upstream, facilitator, folder });
  const watched = watchStore(await openStore((await planOf(text)).store));
  let now: (() => number) | undefined;
  const startedAt = Date.now();
  const clock = (): number => now?.() ?? startedAt;
  const gateway = await startTestGateway(text, { store: watched.store, clock });
  return {
    money,
    gateway,
    facilitator,
    upstream,
    watched,
    stages,
    letTimePass() {
      now = Date.now;
    },
    async close() {
      await gateway.close();
      await Promise.all([facilitator.close(), upstream.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether a fault needs a verification, which `settle: before` leaves out where it can. */
function isAboutVerification(fault: FacilitatorFault): boolean {
  return fault.kind === 'verify' || (fault.kind === 'settle' && fault.how === 'gone');
}

async function stageOf(cell: Cell, money: Money): Promise<Stage> {
  const route = `${cell.settle}-${cell.upstream.replaceAll(' ', '-')}`;
  return { cell, route, path: `/${route}`, payTo: await money.newPayee() };
}

interface Parts {
  readonly money: Money;
  readonly fault: FacilitatorFault;
  readonly stages: readonly Stage[];
  readonly upstream: FaultyUpstream;
  readonly facilitator: FaultyFacilitator;
  readonly folder: string;
}

function configOf({ money, fault, stages, upstream, facilitator, folder }: Parts): string {
  const slow = fault.kind !== 'none' && fault.how === 'hangs';
  const chain = fault.kind === 'doubt' && fault.witness === 'chain';
  return [
    `store: sqlite:${join(folder, 'ledger.db')}`,
    `accepts: [${money.network}]`,
    'deferred: { maxUnsettled: 1000, maxUnsettledPerPayer: 10 }',
    'facilitator:',
    `  url: ${facilitator.url}`,
    `  timeout: ${slow && fault.kind === 'verify' ? SHORT : '30s'}`,
    `  settleTimeout: ${slow && fault.kind === 'doubt' ? SHORT_IN_DOUBT : '30s'}`,
    ...(chain ? [`  rpc: { ${money.network}: "${money.rpcUrl}" }`] : []),
    'routes:',
    ...stages.flatMap(({ cell, route, path, payTo }) => [
      `  - name: ${route}`,
      `    path: ${path}`,
      '    price: $0.01',
      `    settle: ${cell.settle}`,
      ...(isAboutVerification(fault) ? ['    verify: always'] : []),
      `    payTo: "${payTo}"`,
      `    upstream: ${upstream.urlOf(cell.upstream)}`,
    ]),
    '',
  ].join('\n');
}
