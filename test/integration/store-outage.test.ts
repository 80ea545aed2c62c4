import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openPostgresLedger } from '../../src/store/postgres/postgres-ledger.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { Crowd, type Turn } from '../support/faults/crowd.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { scrape } from '../support/metrics.ts';
import { serverMissing, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** How long PostgreSQL is away, in milliseconds. `TURNPIKE_TEST_OUTAGE_MS=10000` makes it longer. */
const OUTAGE_MS = Number(process.env['TURNPIKE_TEST_OUTAGE_MS'] ?? 4000);
const FREE = '/free';
const PRICED = new Map([
  ['after', '/after'],
  ['before', '/before'],
  ['deferred', '/deferred'],
]);
const PATHS = [FREE, ...PRICED.values()];
/** States in which something is still to be done. */
const OPEN: readonly PaymentState[] = [
  'forwarding',
  'owed',
  'settling',
  'unknown',
  'delivering',
  'redelivering',
  'uncharged',
];

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
let store: PaymentStore;
let crowd: Crowd;

beforeEach(async () => {
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream()]);
});

afterEach(async () => {
  await crowd.stop();
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});

async function openOn(opened: PaymentStore): Promise<void> {
  store = opened;
  gateway = await startTestGateway(
    [
      `upstream: ${upstream.url}`,
      'payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"',
      'accepts: [base-sepolia]',
      'store: memory # replaced',
      `facilitator: ${facilitator.url}`,
      'deferred: { maxUnsettled: 1000 }',
      'routes:',
      `  - { path: ${FREE}, price: free }`,
      ...[...PRICED].map(([mode, path]) => `  - { name: ${mode}, path: ${path}, price: $0.01, settle: ${mode} }`),
      '',
    ].join('\n'),
    { store },
  );
  crowd = new Crowd(gateway);
  crowd.start([FREE], PRICED);
}

/** Answers to requests that began and ended in a phase. */
function within(phase: string): Turn[] {
  return crowd.turns.filter(({ from, to }) => from === phase && to === phase);
}

async function answersWithin(phase: string, each: number): Promise<void> {
  await crowd.answers(PATHS, each, ({ from, to }) => from === phase && to === phase);
}

/** While the ledger is away: what is free works, what is priced is not served and not offered anew. */
function expectOnlyFreeIsServed(phase: string): void {
  const putOff = { status: 503, code: 'store_unavailable', retryAfter: true, offer: false };
  for (const { path, ...answer } of within(phase)) {
    expect(answer).toMatchObject(path === FREE ? { status: 200 } : putOff);
  }
}

/** On a full disk a row may still fit in what its pages have left: what is priced is paid for, or put off. */
function expectPricedIsPaidOrPutOff(phase: string): void {
  for (const { path, status, retryAfter, offer } of within(phase)) {
    expect(offer).toBe(false);
    if (path === FREE || status === 200) expect(status).toBe(200);
    else expect({ status, retryAfter }).toEqual({ status: status === 409 ? 409 : 503, retryAfter: true });
  }
}

/** Every payment reaches a final state without help; each that served a call is paid, at the facilitator and in its row. */
async function expectNothingServedUnpaid(): Promise<void> {
  const open = async (): Promise<readonly string[]> =>
    (await store.list({ states: OPEN }, undefined, 10)).map(
      ({ route, state, reason }) => `${route} ${state} ${reason}`,
    );
  await vi.waitFor(async () => expect(await open()).toEqual([]), {
    // The longest time that a claim is held for a process that does not know of it: the ledger failed during the claim.
    timeout: 45_000,
    interval: 100,
  });
  const settled = settledNonces();
  for (const [route, path] of PRICED) {
    const served = crowd.turns.filter((turn) => turn.path === path && turn.status === 200);
    // One by one: in a sum, a payment that served two calls would hide one that served none.
    expect(served.filter(({ nonce }) => !settled.has(nonce))).toEqual([]);
    expect(new Set(served.map(({ nonce }) => nonce)).size, `${route}: served once each`).toBe(served.length);
    const rows = await store.list({ route }, undefined, 100_000);
    const unpaid = new Set(rows.filter((row) => row.settlement === undefined).map(({ key }) => key.split('|').at(-1)));
    expect(served.filter(({ nonce }) => unpaid.has(nonce))).toEqual([]);
    // The upstream is called before the money moved only on routes that settle later.
    if (route === 'before') {
      const calls = upstream.seen.filter(({ url }) => url === path).length;
      const asked = new Set(crowd.turns.filter((turn) => turn.path === path).map(({ nonce }) => nonce));
      const paid = [...asked].filter((nonce) => settled.has(nonce)).length;
      expect(calls, `${route}: upstream calls`).toBeLessThanOrEqual(paid);
    }
  }
}

/** What the facilitator has moved money for: it agrees to everything. */
function settledNonces(): Set<string | undefined> {
  const asked = facilitator.requests.filter(({ endpoint }) => endpoint === 'settle');
  return new Set(asked.map(({ text }) => JSON.parse(text).paymentPayload.payload.authorization.nonce));
}

/** A buyer who was refused is served with the same payment later. */
async function expectTheTurnedAwayAreServed(): Promise<void> {
  const turns = await crowd.sendAgain();
  expect(turns.filter(({ status }) => status !== 200)).toEqual([]);
}

const missing = await serverMissing();
describe.skipIf(missing !== undefined)(`PostgreSQL away under load${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.dispose());

  it('refuses priced requests, serves free ones, and recovers without a restart and with nothing lost', async () => {
    await openOn(await openPostgresLedger(await server.createDatabase()));
    await answersWithin('before', 10);
    crowd.phase = 'breaking';
    await server.stop();
    crowd.phase = 'away';
    const end = AbortSignal.timeout(OUTAGE_MS);
    await crowd.answers(PATHS, 1, ({ from }) => from === 'away' && end.aborted);
    const ready = await fetch(`${gateway.adminUrl}/readyz`);
    // Every replica has the same ledger: none of them leaves the load balancer for it, and free routes are served on.
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      ready: true,
      degraded: [{ name: 'store', detail: 'the ledger does not answer' }],
    });
    const samples = await scrape(gateway.adminUrl);
    expect(samples.find(({ labels }) => labels['check'] === 'store')).toMatchObject({ value: 0 });
    expect(samples.filter(({ name }) => name.startsWith('turnpike_settlements_open'))).toEqual([]);
    crowd.phase = 'coming back';
    await server.start();
    crowd.phase = 'back';
    await answersWithin('back', 10);
    await crowd.stop();

    expectOnlyFreeIsServed('away');
    expect(within('before').filter(({ status }) => status !== 200)).toEqual([]);
    await expectNothingServedUnpaid();
    await expectTheTurnedAwayAreServed();
    await expectNothingServedUnpaid();
  }, 150_000);
});

describe('a full disk under SQLite', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-full-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('refuses priced requests, serves free ones, and recovers without a restart when there is room', async () => {
    const path = join(folder, 'ledger.db');
    await openOn(await openSqliteLedger(path, { maxPages: 80 }));
    const isPutOff = ({ code }: Turn): boolean => code === 'store_unavailable';
    await crowd.answers([...PRICED.values()], 1, isPutOff);
    crowd.phase = 'full';
    // A payment whose row was written before the disk was full is in progress until there is room.
    await crowd.answers([...PRICED.values()], 5, (turn) => {
      return turn.from === 'full' && (isPutOff(turn) || (turn.status === 409 && turn.retryAfter));
    });
    await crowd.answers([FREE], 20, ({ from }) => from === 'full');
    crowd.phase = 'making room';
    expectPricedIsPaidOrPutOff('full');
    await makeRoom(path);
    crowd.phase = 'back';
    // The routes fill the small disk again, each at its own pace.
    const served = ({ from, status }: Turn): boolean => from === 'back' && status === 200;
    const all = crowd.answers([...PRICED.values()], 1, served).then(() => true);
    while (!(await Promise.race([all, setTimeout(1000, false)]))) await makeRoom(path);
    await crowd.stop();
    await expectNothingServedUnpaid();
    // The first requests may have filled the disk again: it is very small.
    await makeRoom(path);
    await expectTheTurnedAwayAreServed();
    await expectNothingServedUnpaid();
  }, 120_000);
});

/** Deletes what is finished, as an operator's shorter `retention` would. */
async function makeRoom(path: string): Promise<void> {
  const other = await openSqliteLedger(path);
  await other.prune(Date.now() + 60_000, Number.MAX_SAFE_INTEGER, 1000);
  await other.close();
}
