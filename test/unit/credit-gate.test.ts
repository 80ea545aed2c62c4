import { describe, expect, it } from 'vitest';
import { type Credit, CreditGate } from '../../src/pipeline/credit-gate.ts';

const BOUNDS = { maxUnsettled: 10, maxUnsettledPerPayer: 2 };

/** A ledger whose counts are answered one by one, each with what stood in it when the count began. */
class SlowLedger {
  owed = 0;
  readonly answers: (() => void)[] = [];

  count = (): Promise<{ all: number; ofPayer: number }> => {
    const seen = this.owed;
    return new Promise((resolve) => this.answers.push(() => resolve({ all: seen, ofPayer: seen })));
  };
}

describe('the credit gate', () => {
  it('lets no more through than the bound, however many come at once', async () => {
    const gate = new CreditGate();
    const taken = await Promise.all(
      Array.from({ length: 50 }, () => gate.take('payer', BOUNDS, async () => ({ all: 0, ofPayer: 0 }))),
    );
    expect(taken.filter((credit) => credit !== undefined).length).toBeLessThanOrEqual(2);
  });

  it('counts a debt that was written while a count was under way', async () => {
    const gate = new CreditGate();
    const ledger = new SlowLedger();
    const bounds = { maxUnsettled: 1, maxUnsettledPerPayer: 1 };
    const late = gate.take('payer', bounds, ledger.count);
    const early = gate.take('payer', { maxUnsettled: 2, maxUnsettledPerPayer: 2 }, ledger.count);
    ledger.answers[1]?.();
    const credit = (await early) as Credit;
    ledger.owed = 1;
    gate.written(credit);
    gate.release(credit);
    ledger.answers[0]?.();
    // Its count said 0, and the other's debt is written: together they would be two.
    expect(await late).toBeUndefined();
  });

  it('gives leave again once a debt is released or seen in the ledger', async () => {
    const gate = new CreditGate();
    const bounds = { maxUnsettled: 1, maxUnsettledPerPayer: 1 };
    const none = async (): Promise<{ all: number; ofPayer: number }> => ({ all: 0, ofPayer: 0 });
    const first = (await gate.take('payer', bounds, none)) as Credit;
    expect(await gate.take('payer', bounds, none)).toBeUndefined();
    gate.release(first);
    const second = (await gate.take('payer', bounds, none)) as Credit;
    gate.written(second);
    expect(await gate.take('payer', bounds, async () => ({ all: 1, ofPayer: 1 }))).toBeUndefined();
    // Settled since: the ledger no longer counts it, and the gate has forgotten it.
    expect(await gate.take('payer', bounds, none)).toBeDefined();
  });

  it('keeps payers apart within the bound of all', async () => {
    const gate = new CreditGate();
    const none = async (): Promise<{ all: number; ofPayer: number }> => ({ all: 9, ofPayer: 0 });
    expect(await gate.take('a', BOUNDS, none)).toBeDefined();
    expect(await gate.take('b', BOUNDS, none)).toBeUndefined();
  });

  it('gives no leave when the count fails, and forgets the request', async () => {
    const gate = new CreditGate();
    const bounds = { maxUnsettled: 1, maxUnsettledPerPayer: 1 };
    await expect(gate.take('payer', bounds, () => Promise.reject(new Error('no ledger')))).rejects.toThrow('no ledger');
    expect(await gate.take('payer', bounds, async () => ({ all: 0, ofPayer: 0 }))).toBeDefined();
  });
});
