import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import { isClaimable, mayFollow, type PaymentState } from '../../src/domain/payment-state.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { NOW, paymentClaim, STATES, stepTo } from '../contract/ledger-scene.ts';

/** One call of one process. */
type Act =
  | { readonly kind: 'claim'; readonly payment: number; readonly identifier: string | undefined }
  | { readonly kind: 'step'; readonly payment: number; readonly to: PaymentState; readonly behind: number }
  | { readonly kind: 'take' };

const payment = fc.integer({ min: 0, max: 2 });
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant('claim' as const),
    payment,
    identifier: fc.constantFrom(undefined, undefined, 'order-1', 'order-2'),
  }),
  fc.record({
    kind: fc.constant('step' as const),
    payment,
    to: fc.constantFrom(...STATES),
    // Mostly the current epoch, sometimes an old one.
    behind: fc.constantFrom(0, 0, 0, 1),
  }),
  fc.record({ kind: fc.constant('take' as const) }),
);
/** Rounds of acts that happen at the same time. */
const rounds = fc.array(fc.array(act, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });

/** Runs of one store share it: each has payments and identifiers of its own. */
let run = 0;

/** Lets several processes act on few payments, and gives every row that anybody was told is theirs now. */
async function history(ledgers: readonly PaymentStore[], plan: readonly (readonly Act[])[]) {
  run += 1;
  const name = (index: number) => `run-${run}-${index}`;
  const key = (index: number) => paymentClaim({ name: name(index) }).key;
  const held: PaymentRecord[] = [];
  const won: PaymentRecord[] = [];
  const perform = async (each: Act, ledger: PaymentStore, known: readonly (PaymentRecord | undefined)[]) => {
    if (each.kind === 'take') {
      const taken = await ledger.takeOpen('finder', NOW, 0, 100);
      won.push(...taken.filter((row) => row.key.includes(`|run-${run}-`)));
    } else if (each.kind === 'claim') {
      const identifier = each.identifier && `${each.identifier}-${run}`;
      const outcome = await ledger.claim(paymentClaim({ name: name(each.payment), identifier }));
      (outcome.kind === 'claimed' ? won : held).push(outcome.record);
    } else {
      const row = known[each.payment];
      if (row === undefined) return;
      const moved = await ledger
        .transition(row.key, row.epoch - each.behind, stepTo(each.to))
        .catch((error: unknown) => {
          expect(String(error)).toMatch(/cannot go from/);
        });
      if (moved?.kind === 'moved') won.push(moved.record);
    }
  };
  for (const acts of plan) {
    const known = await Promise.all([0, 1, 2].map((index) => ledgers[0]!.find(key(index))));
    await Promise.all(acts.map((each, index) => perform(each, ledgers[index % ledgers.length]!, known)));
  }
  const last = await Promise.all([0, 1, 2].map((index) => ledgers[0]!.find(key(index))));
  return { held, won, last };
}

/** Every won row has an epoch of its own, without gaps after the first, and its state follows the one before by a legal step. */
function expectOneLine(won: readonly PaymentRecord[], last: PaymentRecord | undefined): void {
  const line = won.toSorted((a, b) => a.epoch - b.epoch);
  const first = line[0]?.epoch ?? 0;
  expect(line.map(({ epoch }) => epoch)).toEqual(line.map((_, index) => first + index));
  for (const [index, row] of line.entries()) {
    const before = line[index - 1];
    if (before === undefined) expect(row.state).toBe('forwarding');
    else if (row.checks === before.checks + 1) expect(row.state).toBe(before.state);
    else expect(mayFollow(before.state, row.state), `${before.state} → ${row.state}`).toBe(true);
  }
  expect(last).toEqual(line.at(-1));
}

async function expectLedger(ledgers: readonly PaymentStore[], plan: readonly (readonly Act[])[]): Promise<void> {
  const { held, won, last } = await history(ledgers, plan);
  for (const row of held) expect(isClaimable(row.state)).toBe(false);
  for (const row of last) {
    expectOneLine(
      won.filter(({ key }) => key === row?.key),
      row,
    );
  }
  const live = last.filter((row) => row?.identifier !== undefined && !isClaimable(row.state));
  expect(new Set(live.map((row) => row?.identifier)).size).toBe(live.length);
}

describe('concurrent calls of processes on payments', () => {
  it('happen in one sequence of legal steps in the memory ledger', async () => {
    const ledger = openMemoryLedger(() => NOW);
    await fc.assert(
      fc.asyncProperty(rounds, (plan) => expectLedger([ledger], plan)),
      { numRuns: 300 },
    );
  });

  describe('in a SQLite file that two processes have open', () => {
    let folder: string;
    let ledgers: readonly PaymentStore[] = [];
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'turnpike-ledger-'));
      const path = join(folder, 'ledger.db');
      ledgers = [
        await openSqliteLedger(path, { clock: () => NOW }),
        await openSqliteLedger(path, { clock: () => NOW }),
      ];
    });
    afterAll(async () => {
      for (const ledger of ledgers) await ledger.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('happen in one sequence of legal steps', async () => {
      await fc.assert(
        fc.asyncProperty(rounds, (plan) => expectLedger(ledgers, plan)),
        { numRuns: 60, interruptAfterTimeLimit: 20_000 },
      );
    });
  });
});
