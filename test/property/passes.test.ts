import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pass, PassId } from '../../src/domain/pass.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { NOW } from '../contract/ledger-scene.ts';
import { HOUR_MS, sale } from '../contract/pass-sale.ts';

/** One call; `pass` counts the passes that were made so far. */
type Act =
  | {
      readonly kind: 'grant';
      readonly payment: number;
      readonly version: 'time' | 'both' | 'requests';
      readonly requests: number;
    }
  | {
      readonly kind: 'lease';
      readonly pass: number;
      readonly want: number;
      readonly spent: number;
      readonly returned: number;
    }
  | { readonly kind: 'revoke'; readonly pass: number }
  | { readonly kind: 'wait'; readonly minutes: number }
  | { readonly kind: 'prune' };

const small = fc.integer({ min: 0, max: 6 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      payment: fc.integer({ min: 0, max: 8 }),
      version: fc.constantFrom('time' as const, 'both' as const, 'requests' as const),
      requests: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('lease' as const),
      pass: small,
      want: small,
      spent: fc.integer({ min: -2, max: 4 }),
      returned: fc.integer({ min: 0, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), pass: small }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const) }) },
);

/** Carries out a plan, and tells what every call came to and what is there at the end; passes by the order they came. */
async function history(store: PaymentStore, run: string, plan: readonly Act[]): Promise<unknown[]> {
  const { passes } = store;
  const holder = { family: 'eip155', payer: run };
  const made: PassId[] = [];
  let now = NOW;
  const shown = ({ id, payer, ...pass }: Pass) => ({ ...pass, id: made.indexOf(id) });
  const perform = async (each: Act): Promise<unknown> => {
    const id = 'pass' in each ? made[each.pass % Math.max(1, made.length)] : undefined;
    switch (each.kind) {
      case 'grant': {
        const terms = each.version === 'time' ? { requests: undefined } : { requests: each.requests };
        const forMs = each.version === 'requests' ? undefined : HOUR_MS;
        const bought = sale({ payment: `${run}-${each.payment}`, version: each.version, holder, forMs, ...terms });
        const pass = await passes.grant(bought, now);
        if (!made.includes(pass.id)) made.push(pass.id);
        return shown(pass);
      }
      case 'lease': {
        if (id === undefined) return undefined;
        const { want, spent, returned } = each;
        return passes.lease(id, { want, spent, returned }, now).catch((error: unknown) => String(error));
      }
      case 'revoke':
        return id === undefined ? undefined : (await passes.revokePass(id, now))?.revokedAt;
      case 'wait':
        now += each.minutes * 60_000;
        return now;
      case 'prune':
        await passes.prunePasses(now - HOUR_MS, now, 1000);
        return undefined;
    }
  };
  const told: unknown[] = [];
  for (const each of plan) {
    told.push(await perform(each));
    const found = await Promise.all(made.map((id) => passes.findPass(id)));
    for (const pass of found) if (pass !== undefined) expectBooksOf(pass);
    told.push(found.map((pass) => pass && shown(pass)));
    told.push((await passes.findPasses('route:reports', holder, now)).map(shown).sort((a, b) => a.id - b.id));
  }
  return told;
}

/** Leased and available units are never more than the bought ones. */
function expectBooksOf({ quota }: Pass): void {
  if (quota === undefined) return;
  const { bought, available, lent } = quota;
  expect(Math.min(available, lent, bought - available - lent)).toBeGreaterThanOrEqual(0);
}

describe('passes', () => {
  let folder: string;
  let sqlite: PaymentStore;
  let run = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-passes-'));
    sqlite = await openSqliteLedger(join(folder, 'ledger.db'));
  });
  afterAll(async () => {
    await sqlite.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('have the same history in SQL as in memory, and books that add up after every call', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (plan) => {
        run += 1;
        const memory = openMemoryLedger();
        expect(await history(sqlite, `run-${run}`, plan)).toEqual(await history(memory, `run-${run}`, plan));
        await memory.close();
      }),
      { numRuns: 60 },
    );
  });
});
