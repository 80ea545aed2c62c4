import { describe, expect, it, vi } from 'vitest';
import type { OwnDebt } from '../../../src/domain/own-debt.ts';
import { OwnDebts } from '../../../src/recovery/own-debts.ts';
import { freshRecord } from '../../../src/store/record.ts';
import { paymentClaim } from '../../contract/ledger-scene.ts';
import { scriptedPayment } from '../../support/scripted-facilitator.ts';

const NOW = 1_800_000_000_000;
/** Unix seconds. */
const IN_AN_HOUR = NOW / 1000 + 3600;

const HOLD_MS = 30_000;

/** Debts of a process, two at a time: those in work, each until a test ends it, what was put down, and takings. */
function debtsOf() {
  const works: { readonly name: string; readonly end: () => void }[] = [];
  const putDown: (readonly [name: string, checkAt: number])[] = [];
  let takings = 0;
  const debts = new OwnDebts({
    begin: ({ held: { route: name } }) => ({
      over: new Promise<void>((end) => works.push({ name, end })),
      putDown: async (checkAt) => void putDown.push([name, checkAt]),
    }),
    takeDue: () => {
      takings += 1;
    },
    most: 2,
    holdMs: HOLD_MS,
    clock: () => NOW,
  });
  /** Adds one; resolves to the time that was written for the ledger, if it was. */
  const add = async (name: string, expiresAt = IN_AN_HOUR): Promise<number | undefined> => {
    let at: number | undefined;
    await debts.add(debt(name, expiresAt), async (checkAt) => {
      at = checkAt;
    });
    return at;
  };
  return { debts, works, putDown, add, named: () => works.map(({ name }) => name), takings: () => takings };
}

function debt(name: string, expiresAt: number): OwnDebt {
  const held = { ...freshRecord(paymentClaim({ name }), 1, NOW), route: name, expiresAt };
  return { held, payment: scriptedPayment(2), end: { answered: true } };
}

describe('debts of this process', () => {
  it('are settled at once, and not written down before', async () => {
    const { add, named, takings } = debtsOf();
    expect(await add('one')).toBeUndefined();
    expect(await add('two')).toBeUndefined();
    expect(named()).toEqual(['one', 'two']);
    expect(takings()).toBe(0);
  });

  it('are handed out by the ledger where that many are in work, until there is room again', async () => {
    const { add, works, named, takings } = debtsOf();
    await Promise.all([add('one'), add('two')]);
    expect(await add('three')).toBe(NOW);
    expect(takings()).toBe(1);
    works[0]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await add('four')).toBeUndefined();
    expect(named()).toEqual(['one', 'two', 'four']);
  });

  it('are not asked for where the ledger could not take them', async () => {
    const { debts, takings } = debtsOf();
    const late = debt('late', NOW / 1000 + 1);
    await expect(debts.add(late, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(takings()).toBe(0);
  });

  it("are the ledger's when they soon cannot be paid any more: another process must be in time", async () => {
    const { add, takings } = debtsOf();
    expect(await add('late', NOW / 1000 + 59)).toBe(NOW);
    expect(takings()).toBe(1);
    expect(await add('in time', NOW / 1000 + 60)).toBeUndefined();
  });

  it('are put down when they take long, and those that do not are not', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { add, works, putDown } = debtsOf();
      await add('slow');
      vi.advanceTimersByTime(1000);
      await add('quick');
      expect(putDown).toEqual([]);
      works[1]?.end();
      await Promise.resolve();
      vi.advanceTimersByTime(1000);
      expect(putDown).toEqual([['slow', NOW + HOLD_MS]]);
      works[0]?.end();
      await Promise.resolve();
      vi.advanceTimersByTime(1000);
      expect([putDown.length, vi.getTimerCount()]).toEqual([1, 0]);
      await add('later');
      vi.advanceTimersByTime(2000);
      expect(putDown).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('are put down at a stop, which waits for those in work, and go to the ledger from then on', async () => {
    const { debts, add, works, named, putDown } = debtsOf();
    await add('one');
    let isOver = false;
    const stop = debts.stop().then(() => {
      isOver = true;
    });
    expect(await add('late')).toBe(NOW);
    await new Promise((resolve) => setImmediate(resolve));
    expect([isOver, putDown]).toEqual([false, [['one', NOW + HOLD_MS]]]);
    works[0]?.end();
    await stop;
    expect(named()).toEqual(['one']);
  });
});
