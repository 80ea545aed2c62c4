import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import type { PassId } from '../../../src/domain/pass.ts';
import { BalanceHolds } from '../../../src/pass/balance-holds.ts';
import { BalanceTurns } from '../../../src/pass/balance-turns.ts';
import type { Balances } from '../../../src/store/balances.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import { balanceSale } from '../../contract/balances.contract.ts';

const NOW = 1_800_000_000_000;

/** Holds over a store that fails when it is told to: before an act, or after it, when its answer is lost. */
async function scene() {
  const store = openMemoryLedger(() => NOW);
  const { passes } = store;
  const fails: { before: boolean; after: boolean } = { before: false, after: false };
  const failing =
    <Args extends unknown[], Result>(act: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (fails.before) throw new GatewayError('store_unavailable');
      const result = await act(...args);
      if (fails.after) throw new GatewayError('store_unavailable');
      return result;
    };
  const real = passes.balances;
  const balances: Balances = {
    hold: failing((...of: Parameters<Balances['hold']>) => real.hold(...of)),
    draw: failing((...of: Parameters<Balances['draw']>) => real.draw(...of)),
    holdsLeft: (...of) => real.holdsLeft(...of),
    holdsOf: failing((...of: Parameters<Balances['holdsOf']>) => real.holdsOf(...of)),
    listDraws: (...of) => real.listDraws(...of),
    pruneDraws: (...of) => real.pruneDraws(...of),
  };
  const holds = new BalanceHolds({
    store: { findPass: (id) => passes.findPass(id), balances },
    owner: 'here',
    clock: () => NOW,
  });
  const { id } = await passes.grant(balanceSale(1000), NOW);
  const wanted = { pass: id, most: 300, route: 'chat', requestId: 'request' };
  const quota = async () => (await passes.findPass(id))?.quota;
  return { holds, real, fails, wanted, quota };
}

describe('Holds on a balance', () => {
  it('end once: a second draw or release changes nothing', async () => {
    const { holds, wanted, quota } = await scene();
    const taken = await holds.take(wanted);
    if (taken.kind !== 'held') throw new Error(taken.kind);
    expect((await taken.hold.draw({ charge: 100 })).quota?.available).toBe(900);
    await taken.hold.release();
    expect(await quota()).toEqual({ bought: 1000, available: 900, lent: 0 });
  });

  it.each([
    'before',
    'after',
  ] as const)('that could not be taken are released once the store answers (it failed %s the act)', async (when) => {
    const { holds, fails, wanted, quota } = await scene();
    fails[when] = true;
    await expect(holds.take(wanted)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(holds.sweep()).rejects.toMatchObject({ code: 'store_unavailable' });
    fails[when] = false;
    const other = await holds.take(wanted);
    await holds.sweep();
    expect(await quota()).toEqual({ bought: 1000, available: 700, lent: 300 });
    if (other.kind === 'held') await other.hold.release();
    expect(await quota()).toEqual({ bought: 1000, available: 1000, lent: 0 });
  });

  it('whose charge could not be written are released once the store answers, and their answer does not go out', async () => {
    const { holds, fails, wanted, quota } = await scene();
    const taken = await holds.take(wanted);
    if (taken.kind !== 'held') throw new Error(taken.kind);
    fails.before = true;
    await expect(taken.hold.draw({ charge: 100 })).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await taken.hold.release()).toBeUndefined();
    fails.before = false;
    await holds.sweep();
    expect(await quota()).toEqual({ bought: 1000, available: 1000, lent: 0 });
  });

  it('that remain while others are released are released by the next round', async () => {
    const { holds, real, fails, wanted, quota } = await scene();
    const first = await holds.take(wanted);
    if (first.kind !== 'held') throw new Error(first.kind);
    fails.before = true;
    await first.hold.release();
    fails.before = false;
    const read = Promise.withResolvers<void>();
    const listed = Promise.withResolvers<void>();
    const holdsOf = real.holdsOf.bind(real);
    real.holdsOf = async (...of) => {
      const held = await holdsOf(...of);
      read.resolve();
      await listed.promise;
      return held;
    };
    const sweeping = holds.sweep();
    await read.promise;
    const second = await holds.take(wanted);
    if (second.kind !== 'held') throw new Error(second.kind);
    fails.before = true;
    await second.hold.release();
    fails.before = false;
    listed.resolve();
    await sweeping;
    await holds.sweep();
    expect(await quota()).toEqual({ bought: 1000, available: 1000, lent: 0 });
  });

  it('that were given back elsewhere, because this process was considered dead, are not charged', async () => {
    const { holds, real, wanted, quota } = await scene();
    const taken = await holds.take(wanted);
    if (taken.kind !== 'held') throw new Error(taken.kind);
    for (const id of await real.holdsLeft(NOW, 10)) await real.draw(id, { charge: 0 }, NOW);
    await expect(taken.hold.draw({ charge: 100 })).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await quota()).toEqual({ bought: 1000, available: 1000, lent: 0 });
  });
});

describe('Acts on one balance', () => {
  it('run at most four at a time, and do not delay those on another balance', async () => {
    const turns = new BalanceTurns();
    const [one, two] = ['one' as PassId, 'two' as PassId];
    const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
    const begun: number[] = [];
    const runs = gates.map(({ promise }, index) =>
      turns.run(one, async () => {
        begun.push(index);
        await promise;
      }),
    );
    await turns.run(two, async () => undefined);
    expect(begun).toEqual([0, 1, 2, 3]);
    gates[2]?.resolve();
    await runs[2];
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    for (const gate of gates) gate.resolve();
    await Promise.all(runs);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('make room for the next one when they fail', async () => {
    const turns = new BalanceTurns();
    const id = 'one' as PassId;
    const failed = Array.from({ length: 9 }, () => turns.run(id, () => Promise.reject(new Error('away'))));
    expect((await Promise.allSettled(failed)).every(({ status }) => status === 'rejected')).toBe(true);
    expect(await turns.run(id, async () => 'done')).toBe('done');
  });
});
