import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PassId } from '../../src/domain/pass.ts';
import { releaseLeftHolds } from '../../src/recovery/left-holds.ts';
import type { HoldId } from '../../src/store/balances.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { OWNER_GONE_MS } from '../../src/store/upkeep.ts';
import { balanceSale } from '../contract/balances.contract.ts';
import { NOW } from '../contract/ledger-scene.ts';

/** One thing that happens; several with the same `at` happen at once. `call` counts the calls that were made so far. */
type Act =
  | { readonly kind: 'buy'; readonly payment: number; readonly units: number }
  | { readonly kind: 'hold'; readonly most: number; readonly owner: number }
  | { readonly kind: 'draw'; readonly call: number; readonly charge: number }
  | { readonly kind: 'die'; readonly owner: number }
  | { readonly kind: 'recover' };

const owner = fc.integer({ min: 0, max: 2 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('buy' as const),
      payment: fc.integer({ min: 0, max: 6 }),
      units: fc.integer({ min: 1, max: 50 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('hold' as const), most: fc.integer({ min: 1, max: 30 }), owner }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('draw' as const),
      call: fc.nat(40),
      charge: fc.integer({ min: 0, max: 35 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), owner }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recover' as const) }) },
);
/** Acts that happen at once, one group after the other. */
const plans = fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { maxLength: 12 });

/** What is known of a call beside the store. */
interface Call {
  readonly id: HoldId;
  readonly most: number;
}

/** Carries out a plan on a store, and compares its sums with the outcome of every call. */
async function check(store: PaymentStore, run: string, plan: readonly (readonly Act[])[]): Promise<void> {
  const { passes } = store;
  const { balances } = passes;
  const paid = new Map<number, number>();
  const calls: Call[] = [];
  let drawn = 0;
  let pass: PassId | undefined;
  const now = NOW;
  const ownerOf = (index: number): string => `${run}-process-${index}`;
  const perform = async (each: Act): Promise<void> => {
    switch (each.kind) {
      case 'buy': {
        const holder = { family: 'eip155', payer: run };
        if (!paid.has(each.payment)) paid.set(each.payment, each.units);
        const units = paid.get(each.payment) ?? 0;
        const sale = { ...balanceSale(units, `${run}-${each.payment}`), holder };
        pass = (await passes.grant(sale, now)).id;
        return;
      }
      case 'hold': {
        if (pass === undefined) return;
        const call = { id: `${run}-${calls.length}` as HoldId, most: each.most };
        calls.push(call);
        const facts = { pass, owner: ownerOf(each.owner), route: 'chat', requestId: call.id };
        await store.beat(facts.owner, now);
        await balances.hold({ ...call, ...facts }, now);
        return;
      }
      case 'draw': {
        const call = calls[each.call % Math.max(1, calls.length)];
        if (call === undefined) return;
        const after = await balances.draw(call.id, { charge: each.charge }, now);
        if (after !== undefined) drawn += Math.min(each.charge, call.most);
        return;
      }
      case 'die':
        return await store.retire(ownerOf(each.owner));
      case 'recover':
        await releaseLeftHolds(balances, now, now);
    }
  };
  const expectSums = async (): Promise<void> => {
    const found = pass && (await passes.findPass(pass));
    if (found?.quota === undefined) return;
    const { bought, available, lent } = found.quota;
    expect(bought).toBe([...paid.values()].reduce((sum, units) => sum + units, 0));
    expect(bought - available - lent).toBe(drawn);
    expect(Math.min(available, lent)).toBeGreaterThanOrEqual(0);
  };
  for (const group of plan) {
    await Promise.all(group.map(perform));
    await expectSums();
  }
  // When every process is gone, all that was not drawn is there again.
  await releaseLeftHolds(balances, now, now + OWNER_GONE_MS);
  await expectSums();
  const rest = pass && (await passes.findPass(pass));
  expect(rest?.quota?.lent ?? 0).toBe(0);
}

describe('Balances', () => {
  let folder: string;
  let sqlite: PaymentStore;
  let run = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-balances-'));
    sqlite = await openSqliteLedger(join(folder, 'ledger.db'));
  });
  afterAll(async () => {
    await sqlite.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('equal the amount bought less the amount drawn, after any calls, payments, crashes and recoveries at once', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        run += 1;
        const memory = openMemoryLedger();
        await check(memory, `run-${run}`, plan);
        await check(sqlite, `run-${run}`, plan);
        await memory.close();
      }),
      { numRuns: 60 },
    );
  });
});
