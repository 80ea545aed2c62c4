import { describe, expect, it } from 'vitest';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import { OwnDebts } from '../../../src/recovery/own-debts.ts';
import { freshRecord } from '../../../src/store/record.ts';
import { paymentClaim } from '../../contract/ledger-scene.ts';

const NOW = 1_800_000_000_000;
const HOLD_MS = 30_000;

/** Debts of a process, two at a time, each in work until a test ends its look; and how often the ledger was asked. */
function debtsOf() {
  const looks: { readonly name: string; readonly end: () => void }[] = [];
  let takings = 0;
  const debts = new OwnDebts({
    look: ({ route }) => new Promise((end) => looks.push({ name: route, end })),
    takeDue: () => {
      takings += 1;
    },
    holdMs: HOLD_MS,
    atOnce: 2,
    clock: () => NOW,
  });
  return { debts, looks, named: () => looks.map(({ name }) => name), takings: () => takings };
}

function debt(name: string, checkAt = NOW + HOLD_MS): PaymentRecord {
  return { ...freshRecord(paymentClaim({ name }), 1, NOW), route: name, checkAt };
}

describe('debts of this process', () => {
  it('are held for it, and in work up to a number, in their order', async () => {
    const { debts, looks, named } = debtsOf();
    expect(debts.dueAt()).toBe(NOW + HOLD_MS);
    for (const name of ['one', 'two', 'three', 'four']) debts.settle(debt(name));
    expect(named()).toEqual(['one', 'two']);
    looks[1]?.end();
    await expect.poll(named).toEqual(['one', 'two', 'three']);
  });

  it('wait in the ledger where there are a thousand, which is then asked for them', () => {
    const { debts, named, takings } = debtsOf();
    for (let count = 0; count < 1002; count += 1) debts.settle(debt(`debt ${count}`));
    expect(debts.dueAt()).toBe(NOW);
    debts.settle(debt('one more', NOW));
    expect(takings()).toBe(1);
    expect(named()).toHaveLength(2);
  });

  it('stay in the ledger at a stop, which waits for those in work', async () => {
    const { debts, looks, named } = debtsOf();
    for (const name of ['one', 'two', 'three']) debts.settle(debt(name));
    let isOver = false;
    const stop = debts.stop().then(() => {
      isOver = true;
    });
    debts.settle(debt('late'));
    expect(debts.dueAt()).toBe(NOW);
    looks[0]?.end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    looks[1]?.end();
    await stop;
    expect(named()).toEqual(['one', 'two']);
  });
});
