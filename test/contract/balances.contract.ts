import { describe, expect, it } from 'vitest';
import type { BalanceCurrency } from '../../src/domain/balance.ts';
import type { Network } from '../../src/domain/network.ts';
import type { Pass, PassId } from '../../src/domain/pass.ts';
import type { Balances, DrawFilter, Hold, HoldId, HoldOutcome } from '../../src/store/balances.ts';
import { eventId } from '../../src/store/outbox.ts';
import { DAY_MS } from '../../src/store/totals.ts';
import { OWNER_GONE_MS } from '../../src/store/upkeep.ts';
import { type LedgerScene, NOW } from './ledger-scene.ts';
import { sale } from './pass-sale.ts';

/** Test USDC, as balances are kept in it. */
export const USDC: BalanceCurrency = {
  network: 'eip155:84532' as Network,
  asset: `0x${'02'.repeat(20)}`,
  symbol: 'USDC',
  decimals: 6,
};

/** A payment that adds so many units to a balance. */
export function balanceSale(units: number, payment = 'one'): ReturnType<typeof sale> {
  return sale({ scope: 'balance:route:chat', forMs: undefined, requests: units, balance: USDC, payment });
}

/** Prepaid money: calls hold a part of it, and draw their charge. */
export function balancesContract(scene: LedgerScene): void {
  const bought = (units = 1000, payment = 'one'): Promise<Pass> =>
    scene.ledger.passes.grant(balanceSale(units, payment), scene.now);
  const holdOn = (balances: Balances, pass: PassId, name: string, most: number, owner = 'process-1') =>
    balances.hold(holdOf(pass, name, most, owner), scene.now);
  const hold = (pass: PassId, name: string, most: number, owner?: string): Promise<HoldOutcome> =>
    holdOn(scene.ledger.passes.balances, pass, name, most, owner);
  const draw = (name: string, charge: number, usage?: string): Promise<Pass | undefined> =>
    scene.ledger.passes.balances.draw(idOf(name), { charge, usage }, scene.now);
  const quotaOf = async (id: PassId) => (await scene.ledger.passes.findPass(id))?.quota;

  describe('a balance', () => {
    it('is a pass with a currency, and further payments add to it', async () => {
      const first = await bought(1000);
      expect(first).toMatchObject({
        balance: USDC,
        expiresAt: undefined,
        quota: { bought: 1000, available: 1000, lent: 0 },
      });
      const second = await bought(500, 'two');
      expect(second).toEqual({ ...first, quota: { bought: 1500, available: 1500, lent: 0 } });
      expect(await scene.ledger.passes.findPasses('balance:route:chat', first, scene.now)).toEqual([second]);
    });

    it('holds the most that a call may cost, draws its charge, and gives the rest back', async () => {
      const { id } = await bought(1000);
      expect(await hold(id, 'a', 300)).toMatchObject({ kind: 'held', pass: { quota: { available: 700, lent: 300 } } });
      expect(await hold(id, 'b', 700)).toMatchObject({ kind: 'held', pass: { quota: { available: 0, lent: 1000 } } });
      expect(await draw('a', 120)).toMatchObject({ quota: { bought: 1000, available: 180, lent: 700 } });
      expect(await draw('b', 0)).toMatchObject({ quota: { bought: 1000, available: 880, lent: 0 } });
    });

    it('refuses a hold above what it has, and reports what it has', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 600);
      expect(await hold(id, 'b', 401)).toMatchObject({
        kind: 'too_low',
        pass: { quota: { available: 400, lent: 600 } },
      });
      expect(await hold(id, 'c', 400)).toMatchObject({ kind: 'held' });
      expect(await draw('b', 1)).toBeUndefined();
    });

    it('takes no more for a call than was held for it', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 300);
      expect(await draw('a', 999)).toMatchObject({ quota: { available: 700, lent: 0 } });
    });

    it('draws a call once, however often the draw is repeated', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 300);
      const ends = await Promise.all(Array.from({ length: 20 }, () => draw('a', 100)));
      expect(ends.filter((pass) => pass !== undefined)).toHaveLength(1);
      expect(await draw('a', 200)).toBeUndefined();
      expect(await quotaOf(id)).toEqual({ bought: 1000, available: 900, lent: 0 });
    });

    it('is held by no more of fifty simultaneous calls than it can pay', async () => {
      const { id } = await bought(1000);
      const stores = [scene.ledger, await scene.another()];
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => holdOn(stores[index % 2]!.passes.balances, id, `call-${index}`, 70)),
      );
      expect(outcomes.filter(({ kind }) => kind === 'held')).toHaveLength(14);
      expect(await quotaOf(id)).toEqual({ bought: 1000, available: 20, lent: 980 });
    });

    it('keeps the draws of calls, and deletes old ones', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 300);
      await draw('a', 100, '{"meter":"openai"}');
      await hold(id, 'b', 300);
      scene.now += 1000;
      await draw('b', 0);
      await hold(id, 'open', 300);
      const { balances } = scene.ledger.passes;
      const facts = { pass: id, route: 'chat', heldAt: NOW };
      expect(await balances.listDraws(id, 10)).toEqual([
        { ...facts, id: idOf('b'), requestId: 'request-b', charge: 0, usage: undefined, endedAt: NOW + 1000 },
        { ...facts, id: idOf('a'), requestId: 'request-a', charge: 100, usage: '{"meter":"openai"}', endedAt: NOW },
      ]);
      expect(await balances.pruneDraws(NOW + 1000, 10)).toBe(1);
      expect(await balances.listDraws(id, 10)).toHaveLength(1);
      expect(await quotaOf(id)).toEqual({ bought: 1000, available: 600, lent: 300 });
    });

    it('sends each receiver one event for each call that it paid, together with the draw', async () => {
      const { id, payer } = await bought(1000);
      const { outbox, passes } = scene.ledger;
      const taken = async (hook: string) => (await outbox.takeDue(hook, scene.now, 1000, 10)).deliveries;
      const drawTold = (name: string, charge: number, currency = USDC) => {
        const news = { hooks: ['books', 'shop'], payer, currency };
        return passes.balances.draw(idOf(name), { charge, usage: '{"meter":"openai"}', news }, scene.now);
      };
      await hold(id, 'a', 300);
      await Promise.all(Array.from({ length: 10 }, () => drawTold('a', 400)));
      await hold(id, 'b', 100);
      await draw('b', 0);
      expect(await drawTold('b', 50)).toBeUndefined();
      const event = {
        ...{ id: eventId('balance.drawn', idOf('a')), type: 'balance.drawn', createdAt: NOW, pass: id, route: 'chat' },
        ...{ requestId: 'request-a', payer, network: USDC.network, asset: USDC.asset, amount: 300n },
        usage: '{"meter":"openai"}',
      };
      expect(await taken('books')).toEqual([{ hook: 'books', attempt: 1, event }]);
      expect(await taken('shop')).toEqual([{ hook: 'shop', attempt: 1, event }]);
      // In atomic units, also where the asset has more decimals than the balance.
      for (const [name, charge] of [
        ['c', 7],
        ['d', 0],
      ] as const) {
        await hold(id, name, 100);
        await drawTold(name, charge, { ...USDC, decimals: 18 });
      }
      expect((await taken('books')).map((delivery) => delivery.event.amount).sort()).toEqual([0n, 7_000_000_000n]);
    });

    it('lists its draws page by page and in sums, without holds that were given back', async () => {
      const { id, payer } = await bought(1000);
      const usage = JSON.stringify({ meter: 'openai', model: 'm' });
      const charges = [100, 20, 0, 3];
      for (const [index, charge] of charges.entries()) {
        await hold(id, `${index}`, 200);
        await draw(`${index}`, charge, usage);
        scene.now += index === 1 ? DAY_MS : 0;
      }
      await hold(id, 'failed', 200);
      await draw('failed', 0);
      await hold(id, 'open', 200);
      const { balances } = scene.ledger.passes;
      const first = await balances.pageDraws({}, undefined, 3);
      const rest = await balances.pageDraws({}, first.last, 3);
      expect([...first.draws, ...rest.draws].map(({ charge }) => charge)).toEqual(charges);
      expect(first.draws[0]).toMatchObject({ pass: id, payer, currency: USDC, usage, endedAt: NOW });
      expect([rest.last, first.unreadable]).toEqual([undefined, []]);
      const chargesOf = async (filter: DrawFilter) =>
        (await balances.pageDraws(filter, undefined, 10)).draws.map(({ charge }) => charge);
      expect(await chargesOf({ since: NOW + 1 })).toEqual([0, 3]);
      expect(await chargesOf({ until: NOW + 1, payer: payer.toUpperCase(), route: 'chat' })).toEqual([100, 20]);
      expect(await chargesOf({ route: 'cha' })).toEqual([]);
      const line = { route: 'chat', network: USDC.network, asset: USDC.asset, model: 'm', open: 0 };
      const [day, next] = [NOW, NOW + DAY_MS].map((ms) => new Date(ms).toISOString().slice(0, 10));
      expect(await balances.summarizeDraws({})).toEqual([
        { ...line, day, settled: 2, amount: 120n },
        { ...line, day: next, settled: 2, amount: 3n },
      ]);
    });

    it('refuses holds after it is revoked, and books the calls under way', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 300);
      await scene.ledger.passes.revokePass(id, scene.now);
      expect(await hold(id, 'b', 1)).toEqual({ kind: 'gone', why: 'revoked' });
      expect(await draw('a', 100)).toMatchObject({ quota: { available: 900, lent: 0 } });
    });

    it('cannot be used as a pass of requests, and such a pass cannot be used as a balance', async () => {
      const { id } = await bought(1000);
      const lease = scene.ledger.passes.lease(id, { want: 1, spent: 0, returned: 0 }, scene.now);
      await expect(lease).rejects.toThrow(/more than was lent/);
      const requests = await scene.ledger.passes.grant(sale({ payment: 'other' }), scene.now);
      expect(await hold(requests.id, 'a', 1)).toEqual({ kind: 'gone', why: 'unknown' });
      expect(await hold('A'.repeat(22) as PassId, 'b', 1)).toEqual({ kind: 'gone', why: 'unknown' });
    });

    it.each([0, -1, 1.5, Number.NaN, 2 ** 53])('rejects a hold of %d', async (most) => {
      const { id } = await bought(1000);
      await expect(hold(id, 'a', most)).rejects.toThrow(/whole number/);
    });

    it.each([-1, 0.5, Number.NaN])('rejects a charge of %d', async (charge) => {
      const { id } = await bought(1000);
      await hold(id, 'a', 300);
      await expect(draw('a', charge)).rejects.toThrow(/whole number/);
    });

    it('is kept as long as something is left of it, and deleted when it is used up', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 1000);
      await draw('a', 999);
      const later = NOW + 10_000;
      expect(await scene.ledger.passes.prunePasses(later, later, 10)).toBe(0);
      await hold(id, 'b', 1);
      await draw('b', 1);
      expect(await scene.ledger.passes.prunePasses(later, later, 10)).toBe(1);
      expect(await scene.ledger.passes.findPass(id)).toBeUndefined();
    });

    it('can be topped up after it was used up', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 1000);
      await draw('a', 1000);
      expect(await bought(500, 'two')).toMatchObject({ id, quota: { bought: 1500, available: 500, lent: 0 } });
      expect(await scene.ledger.passes.prunePasses(NOW + 10_000, NOW + 10_000, 10)).toBe(0);
    });
  });

  describe('a hold', () => {
    it('counts as left over when its process is gone, and not while the process lives', async () => {
      const { id } = await bought(1000);
      const { ledger } = scene;
      await ledger.beat('process-1', scene.now);
      await ledger.beat('process-2', scene.now);
      await hold(id, 'a', 100, 'process-1');
      await hold(id, 'b', 100, 'process-2');
      await hold(id, 'ended', 100, 'process-2');
      await draw('ended', 1);
      expect(await ledger.passes.balances.holdsLeft(scene.now, 10)).toEqual([]);
      await ledger.retire('process-2');
      expect(await ledger.passes.balances.holdsLeft(scene.now, 10)).toEqual([idOf('b')]);
      scene.now += OWNER_GONE_MS;
      expect(await ledger.passes.balances.holdsLeft(scene.now, 10)).toEqual([idOf('a'), idOf('b')]);
      expect(await ledger.passes.balances.holdsLeft(scene.now, 1)).toHaveLength(1);
    });

    it('is found by its process', async () => {
      const { id } = await bought(1000);
      await hold(id, 'a', 100, 'process-1');
      await hold(id, 'b', 100, 'process-2');
      expect(await scene.ledger.passes.balances.holdsOf('process-2', 10)).toEqual([idOf('b')]);
      await draw('b', 1);
      expect(await scene.ledger.passes.balances.holdsOf('process-2', 10)).toEqual([]);
    });
  });
}

function idOf(name: string): HoldId {
  return `hold-${name}` as HoldId;
}

function holdOf(pass: PassId, name: string, most: number, owner: string): Hold {
  return { id: idOf(name), pass, most, owner, route: 'chat', requestId: `request-${name}` };
}
