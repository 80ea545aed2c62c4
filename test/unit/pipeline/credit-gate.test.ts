import { describe, expect, it } from 'vitest';
import { type Credit, CreditGate, type OwedCounts } from '../../../src/pipeline/credit-gate.ts';

const BOUNDS = { maxUnsettled: 10, maxUnsettledPerPayer: 2 };
const ONE = { maxUnsettled: 1, maxUnsettledPerPayer: 1 };

/** A ledger in which so much is owed, at once or after a moment. */
function owing(all: number, ofPayer = all): OwedCounts {
  return { all: async () => all, ofPayer: async () => ofPayer };
}

/** A ledger whose counts are answered one by one, each with what stood in it when the count began. */
class SlowLedger implements OwedCounts {
  owed = 0;
  /** Answers of counts that are under way, in the order in which they began. */
  readonly answers: (() => void)[] = [];
  /** How often all was counted. */
  counted = 0;

  all(): Promise<number> {
    this.counted += 1;
    return this.#later();
  }

  async ofPayer(): Promise<number> {
    return 0;
  }

  #later(): Promise<number> {
    const seen = this.owed;
    return new Promise((resolve) => this.answers.push(() => resolve(seen)));
  }
}

/** A gate whose clock stands still until it is moved, in milliseconds. */
function gateWithClock() {
  const time = { now: 0 };
  return { time, gate: new CreditGate(() => time.now) };
}

describe('the credit gate', () => {
  it('lets no more through than the bound, however many come at once', async () => {
    const { gate } = gateWithClock();
    const taken = await Promise.all(Array.from({ length: 50 }, () => gate.take('payer', BOUNDS, owing(0))));
    expect(taken.filter((credit) => credit !== undefined).length).toBeLessThanOrEqual(2);
  });

  it('counts a debt that was written while a count was under way', async () => {
    const { gate, time } = gateWithClock();
    const ledger = new SlowLedger();
    const late = gate.take('payer', ONE, ledger);
    time.now += 1000;
    const early = gate.take('another', { maxUnsettled: 2, maxUnsettledPerPayer: 2 }, ledger);
    ledger.answers[1]?.();
    const credit = (await early) as Credit;
    ledger.owed = 1;
    gate.written(credit);
    gate.release(credit);
    ledger.answers[0]?.();
    // Its count said 0, and the other's debt is written: together they would be two.
    expect(await late).toBeUndefined();
  });

  it('reuses the count over all payers for a moment, and adds every debt of its own', async () => {
    const { gate, time } = gateWithClock();
    const ledger = new SlowLedger();
    const bounds = { maxUnsettled: 3, maxUnsettledPerPayer: 3 };
    const first = gate.take('a', bounds, ledger);
    ledger.answers[0]?.();
    for (const credit of [await first, await gate.take('b', bounds, ledger), await gate.take('c', bounds, ledger)]) {
      ledger.owed += 1;
      gate.written(credit as Credit);
    }
    // The count of a moment ago said 0: that three debts were written since is known without another one.
    expect(await gate.take('d', bounds, ledger)).toBeUndefined();
    expect(ledger.counted).toBe(1);
    ledger.owed = 2;
    time.now += 100;
    const next = gate.take('d', bounds, ledger);
    ledger.answers[1]?.();
    expect(await next).toBeDefined();
    expect(ledger.counted).toBe(2);
  });

  describe('with a payer that owes many', () => {
    const LARGE = { maxUnsettled: 10_000, maxUnsettledPerPayer: 2002 };
    /** A hundredth of how long it is used then. */
    const TOOK_MS = 10;
    const LASTS_MS = 1000;

    /** A gate that has counted so much for its payer, which took a while. */
    async function countedOnce(owed: number) {
      const { gate, time } = gateWithClock();
      const ledger = { owed, counted: 0 };
      const counts: OwedCounts = {
        all: async () => 0,
        ofPayer: async () => {
          ledger.counted += 1;
          const seen = ledger.owed;
          await Promise.resolve();
          time.now += TOOK_MS;
          return seen;
        },
      };
      const take = async (): Promise<boolean> => {
        const credit = await gate.take('payer', LARGE, counts);
        if (credit === undefined) return false;
        ledger.owed += 1;
        gate.written(credit);
        gate.release(credit);
        return true;
      };
      expect(await take()).toBe(true);
      return { gate, time, ledger, counts, take };
    }

    it('counts what it owes once in a while, and adds every debt of its own', async () => {
      const { ledger, time, take } = await countedOnce(2000);
      expect(await take()).toBe(true);
      expect(await take()).toBe(false);
      expect(ledger.counted).toBe(1);
      ledger.owed = 1500;
      time.now += LASTS_MS - 1;
      expect(await take()).toBe(false);
      time.now += 1;
      expect(await take()).toBe(true);
      expect(ledger.counted).toBe(2);
    });

    it('counts others for themselves, and a payer that owes few with each answer', async () => {
      const { gate, counts, ledger } = await countedOnce(2000);
      await gate.take('another', LARGE, counts);
      expect(ledger.counted).toBe(2);
      const few = await countedOnce(10);
      await few.take();
      expect(few.ledger.counted).toBe(2);
    });

    it('counts anew for another bound, and never uses a count for longer than a second', async () => {
      const { gate, counts, ledger, time, take } = await countedOnce(2000);
      await gate.take('payer', { ...LARGE, maxUnsettledPerPayer: 3000 }, counts);
      expect(ledger.counted).toBe(2);
      time.now += LASTS_MS;
      const slow: OwedCounts = {
        all: async () => 0,
        ofPayer: async () => {
          time.now += 60_000;
          return 1800;
        },
      };
      await gate.take('payer', LARGE, slow);
      time.now += 1000;
      await take();
      expect(ledger.counted).toBe(3);
    });
  });

  it('does not use a count that nobody waited for, since it has missed debts', async () => {
    const { gate, time } = gateWithClock();
    const bounds = { maxUnsettled: 10_000, maxUnsettledPerPayer: 2000 };
    const own = Promise.withResolvers<number>();
    const failing = gate.take('payer', bounds, {
      all: () => Promise.reject(new Error('away')),
      ofPayer: async () => {
        const owed = await own.promise;
        time.now += 10;
        return owed;
      },
    });
    await expect(failing).rejects.toThrow('away');
    const ledger = { owed: 1999 };
    const counts: OwedCounts = { all: async () => 0, ofPayer: async () => ledger.owed };
    const credit = (await gate.take('payer', bounds, counts)) as Credit;
    ledger.owed += 1;
    gate.written(credit);
    own.resolve(1999);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(await gate.take('payer', bounds, counts)).toBeUndefined();
  });

  it('remembers a debt as long as a request waits for an older count', async () => {
    const { gate, time } = gateWithClock();
    const ledger = new SlowLedger();
    const bounds = { maxUnsettled: 2, maxUnsettledPerPayer: 2 };
    ledger.owed = 1;
    const first = gate.take('a', bounds, ledger);
    ledger.answers[0]?.();
    gate.written((await first) as Credit);
    ledger.owed = 2;
    // Uses the count from before that debt, and waits for the one of its own payer.
    const own = Promise.withResolvers<number>();
    const waiting = gate.take('b', bounds, { all: () => ledger.all(), ofPayer: () => own.promise });
    time.now += 1000;
    const other = gate.take('c', bounds, ledger);
    ledger.answers[1]?.();
    expect(await other).toBeUndefined();
    own.resolve(0);
    expect(await waiting).toBeUndefined();
  });

  it('gives credit again once a debt is released or seen in the ledger', async () => {
    const { gate, time } = gateWithClock();
    const first = (await gate.take('payer', ONE, owing(0))) as Credit;
    expect(await gate.take('payer', ONE, owing(0))).toBeUndefined();
    gate.release(first);
    const second = (await gate.take('payer', ONE, owing(0))) as Credit;
    gate.written(second);
    time.now += 100;
    expect(await gate.take('payer', ONE, owing(1))).toBeUndefined();
    time.now += 100;
    // Settled since: the ledger no longer counts it, and the gate has forgotten it.
    expect(await gate.take('payer', ONE, owing(0))).toBeDefined();
  });

  it('counts payers separately within the bound of all', async () => {
    const { gate } = gateWithClock();
    expect(await gate.take('a', BOUNDS, owing(9, 0))).toBeDefined();
    expect(await gate.take('b', BOUNDS, owing(9, 0))).toBeUndefined();
  });

  it('counts again for another bound, up to which the ledger did not count', async () => {
    const { gate } = gateWithClock();
    expect(await gate.take('a', ONE, owing(1, 0))).toBeUndefined();
    expect(await gate.take('a', BOUNDS, owing(10, 0))).toBeUndefined();
    expect(await gate.take('a', { ...BOUNDS, maxUnsettled: 12 }, owing(10, 0))).toBeDefined();
  });

  it('gives no credit when the count fails, and forgets the request', async () => {
    const { gate } = gateWithClock();
    const fails = { all: () => Promise.reject(new Error('no ledger')), ofPayer: async () => 0 };
    await expect(gate.take('payer', ONE, fails)).rejects.toThrow('no ledger');
    expect(await gate.take('payer', ONE, owing(0))).toBeDefined();
  });
});
