import { describe, expect, it } from 'vitest';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import { OwnDebts } from '../../../src/recovery/own-debts.ts';
import { freshRecord } from '../../../src/store/record.ts';
import { paymentClaim } from '../../contract/ledger-scene.ts';

const NOW = 1_800_000_000_000;
const HOLD_MS = 30_000;
/** Unix seconds. */
const IN_AN_HOUR = NOW / 1000 + 3600;

/** Debts of a process, two at a time: those in work, each until a test ends its look, and how often the ledger was asked. */
function debtsOf() {
  const looks: { readonly name: string; readonly end: () => void }[] = [];
  let takings = 0;
  const debts = new OwnDebts({
    look: ({ route }) => new Promise((end) => looks.push({ name: route, end })),
    takeDue: () => {
      takings += 1;
    },
    holdMs: HOLD_MS,
    most: 2,
    clock: () => NOW,
  });
  /** Adds one; resolves to the time that was written with it. */
  const add = async (name: string, expiresAt = IN_AN_HOUR): Promise<number> => {
    let at = Number.NaN;
    await debts.add(expiresAt, async (checkAt) => {
      at = checkAt;
      return debt(name, checkAt);
    });
    return at;
  };
  return { debts, looks, add, named: () => looks.map(({ name }) => name), takings: () => takings };
}

function debt(name: string, checkAt: number): PaymentRecord {
  return { ...freshRecord(paymentClaim({ name }), 1, NOW), route: name, checkAt };
}

describe('debts of this process', () => {
  it('are held for it, and settled at once', async () => {
    const { add, named, takings } = debtsOf();
    expect(await add('one')).toBe(NOW + HOLD_MS);
    expect(await add('two')).toBe(NOW + HOLD_MS);
    expect(named()).toEqual(['one', 'two']);
    expect(takings()).toBe(0);
  });

  it('are handed out by the ledger where that many are at work, until there is room again', async () => {
    const { add, looks, named, takings } = debtsOf();
    await Promise.all([add('one'), add('two')]);
    expect(await add('three')).toBe(NOW);
    expect(takings()).toBe(1);
    looks[0]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await add('four')).toBe(NOW + HOLD_MS);
    expect(named()).toEqual(['one', 'two', 'four']);
  });

  it('count while they are written, and no longer when that failed', async () => {
    const { debts, add, named } = debtsOf();
    const failing = [1, 2].map(() => debts.add(IN_AN_HOUR, () => Promise.reject(new Error('away'))));
    expect(await add('beside')).toBe(NOW);
    for (const each of failing) await expect(each).rejects.toThrow('away');
    expect(await add('after')).toBe(NOW + HOLD_MS);
    expect(named()).toEqual(['after']);
  });

  it('are not held when they soon cannot be paid any more: another process must be in time', async () => {
    const { add, takings } = debtsOf();
    expect(await add('late', NOW / 1000 + 59)).toBe(NOW);
    expect(takings()).toBe(1);
    expect(await add('in time', NOW / 1000 + 60)).toBe(NOW + HOLD_MS);
  });

  it('stay in the ledger at a stop, which waits for those in work', async () => {
    const { debts, add, looks, named } = debtsOf();
    await add('one');
    let isOver = false;
    const stop = debts.stop().then(() => {
      isOver = true;
    });
    expect(await add('late')).toBe(NOW);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    looks[0]?.end();
    await stop;
    expect(named()).toEqual(['one']);
  });
});
