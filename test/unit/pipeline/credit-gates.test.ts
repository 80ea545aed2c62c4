import { describe, expect, it } from 'vitest';
import type { Offer } from '../../../src/domain/offer.ts';
import { CreditGates, type CreditLeave } from '../../../src/pipeline/credit-gates.ts';
import { uptoOfferOf } from '../../support/upto-payments.ts';

const COUNTS = { maxUnsettled: 1_000, maxUnsettledPerPayer: 1_000 };
/** $1.50 in an asset of six digits is one million and a half. */
const BOUNDS = { ...COUNTS, money: { all: '3', ofPayer: '1.50' } };

/** A ledger in which so much is owed. */
function ledger(sum: bigint) {
  return { countOwed: async () => 0, countOwedBy: async () => 0, sumOwed: async () => sum };
}

function offer(amount: bigint, address?: string): Offer {
  return uptoOfferOf(amount, address);
}

describe('credit bounded by money', () => {
  it('is bounded by the sum of open amounts and not by their number, however many come at once', async () => {
    const gates = new CreditGates(() => 0);
    const take = (): Promise<CreditLeave | undefined> =>
      gates.take({ payer: 'payer', offer: offer(500_000n) }, BOUNDS, ledger(0n));
    const taken = await Promise.all(Array.from({ length: 50 }, take));
    expect(taken.filter((leave) => leave !== undefined)).toHaveLength(3);
  });

  it('counts what the ledger has', async () => {
    const take = (sum: bigint, amount: bigint): Promise<CreditLeave | undefined> =>
      new CreditGates(() => 0).take({ payer: 'payer', offer: offer(amount) }, BOUNDS, ledger(sum));
    expect(await take(1_000_000n, 500_000n)).toBeDefined();
    expect(await take(1_000_001n, 500_000n)).toBeUndefined();
    expect(await take(0n, 1_500_001n)).toBeUndefined();
  });

  it('is bounded over all payers, and in each asset for itself', async () => {
    const gates = new CreditGates(() => 0);
    const take = (payer: string, address?: string): Promise<CreditLeave | undefined> =>
      gates.take({ payer, offer: offer(1_500_000n, address) }, BOUNDS, ledger(0n));
    expect(await take('one')).toBeDefined();
    expect(await take('two')).toBeDefined();
    expect(await take('three')).toBeUndefined();
    expect(await take('three', `0x${'ab'.repeat(20)}`)).toBeDefined();
  });

  it('is returned when a request ends without a debt, and a refusal takes none', async () => {
    const gates = new CreditGates(() => 0);
    const one = { ...BOUNDS, maxUnsettledPerPayer: 2 };
    const take = (amount: bigint): Promise<CreditLeave | undefined> =>
      gates.take({ payer: 'payer', offer: offer(amount) }, one, ledger(0n));
    const first = await take(1_500_000n);
    expect(await take(1n)).toBeUndefined();
    expect(await take(1n)).toBeUndefined();
    if (first === undefined) throw new Error('no credit');
    gates.release(first);
    expect(await take(1_500_000n)).toBeDefined();
  });

  it('fails with the ledger, and gives back what it had taken', async () => {
    const gates = new CreditGates(() => 0);
    const one = { ...BOUNDS, maxUnsettled: 1 };
    const debt = { payer: 'payer', offer: offer(1n) };
    const away = { ...ledger(0n), sumOwed: () => Promise.reject(new Error('away')) };
    await expect(gates.take(debt, one, away)).rejects.toThrow('away');
    expect(await gates.take(debt, one, ledger(0n))).toBeDefined();
  });
});
