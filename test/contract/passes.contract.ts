import { describe, expect, it } from 'vitest';
import { type Pass, type PassId, parsePassId } from '../../src/domain/pass.ts';
import type { PassPlace, PassSale, PassStore, PassView } from '../../src/store/passes.ts';
import { type LedgerScene, NOW, paymentClaim } from './ledger-scene.ts';
import { HOLDER, HOUR_MS, sale } from './pass-sale.ts';

const UNKNOWN = 'A'.repeat(22) as PassId;

/** Passes, their revocation, nonces and the common key. */
export function passesContract(scene: LedgerScene): void {
  const grant = (bought: PassSale = sale(), at = scene.now): Promise<Pass> => scene.ledger.passes.grant(bought, at);
  const both = async (): Promise<readonly PassStore[]> => [scene.ledger.passes, (await scene.another()).passes];

  describe('granting a pass', () => {
    it('gives a pass with what was bought', async () => {
      const pass = await grant();
      expect(pass).toEqual({
        id: pass.id,
        scope: 'route:reports',
        ...HOLDER,
        opens: ['a'.repeat(64)],
        version: 'v1',
        expiresAt: NOW + HOUR_MS,
        quota: { bought: 100, available: 100, lent: 0 },
        issuedAt: NOW,
        revokedAt: undefined,
      });
      expect(parsePassId(pass.id)).toBe(pass.id);
      expect(await scene.ledger.passes.findPass(pass.id)).toEqual(pass);
    });

    it('gives passes with only a time limit, and passes with only a request limit', async () => {
      const timed = await grant(sale({ payment: 'a', version: 'time', requests: undefined }));
      const counted = await grant(sale({ payment: 'b', version: 'requests', forMs: undefined }));
      expect([timed.expiresAt, timed.quota]).toEqual([NOW + HOUR_MS, undefined]);
      expect([counted.expiresAt, counted.quota?.available]).toEqual([undefined, 100]);
      await expect(grant(sale({ payment: 'c', forMs: undefined, requests: undefined }))).rejects.toThrow(/has to end/);
    });

    it('gives one pass for fifty simultaneous grants of one payment', async () => {
      const stores = await both();
      const passes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => stores[index % 2]!.grant(sale(), NOW + index)),
      );
      expect(new Set(passes.map(({ id }) => id)).size).toBe(1);
      expect(new Set(passes.map(({ expiresAt, quota }) => `${expiresAt} ${quota?.bought}`)).size).toBe(1);
      expect((await scene.ledger.passes.listPasses(undefined, 10)).passes).toEqual([passes[0]]);
    });

    it('extends one pass once by each of many payments that are granted at once, several times each', async () => {
      const stores = await both();
      const passes = await Promise.all(
        Array.from({ length: 48 }, (_, index) => stores[index % 2]!.grant(sale({ payment: `${index % 12}` }), NOW)),
      );
      expect(new Set(passes.map(({ id }) => id)).size).toBe(1);
      expect(await scene.ledger.passes.findPass(passes[0]!.id)).toMatchObject({
        expiresAt: NOW + 12 * HOUR_MS,
        quota: { bought: 1200, available: 1200, lent: 0 },
      });
    });

    it('extends the time from the end of what was bought before', async () => {
      const first = await grant();
      scene.now += HOUR_MS - 1;
      const second = await grant(sale({ payment: 'two' }));
      expect(second).toEqual({
        ...first,
        expiresAt: NOW + 2 * HOUR_MS,
        quota: { bought: 200, available: 200, lent: 0 },
      });
    });

    it('changes nothing for a payment that was granted before, even if it now names other terms', async () => {
      const first = await grant();
      await grant(sale({ payment: 'two' }));
      const extended = await scene.ledger.passes.findPass(first.id);
      scene.now += 3 * HOUR_MS;
      expect(await grant()).toEqual(extended);
      expect(await grant(sale({ scope: 'group:all', version: 'v2', requests: 999 }))).toEqual(extended);
      expect((await scene.ledger.passes.listPasses(undefined, 10)).passes).toEqual([extended]);
    });

    it('makes another pass after the first has expired, and leaves the first as it was', async () => {
      const first = await grant();
      scene.now += HOUR_MS;
      const second = await grant(sale({ payment: 'two' }));
      expect(second.id).not.toBe(first.id);
      expect(second).toMatchObject({ issuedAt: scene.now, expiresAt: scene.now + HOUR_MS, quota: { bought: 100 } });
      expect(await scene.ledger.passes.findPass(first.id)).toEqual(first);
      expect((await grant(sale({ payment: 'three' }))).id).toBe(second.id);
    });

    it('makes another pass under other terms, in another scope and for another holder', async () => {
      const sales = [
        sale({ payment: 'a' }),
        sale({ payment: 'b', version: 'v2', opens: ['b'.repeat(64)] }),
        sale({ payment: 'c', scope: 'route:Reports' }),
        sale({ payment: 'd', scope: 'group:reports' }),
        sale({ payment: 'e', holder: { ...HOLDER, payer: `0x${'02'.repeat(20)}` } }),
        sale({ payment: 'f', holder: { ...HOLDER, family: 'solana' } }),
      ];
      const passes = [];
      for (const each of sales) passes.push(await grant(each));
      expect(new Set(passes.map(({ id }) => id)).size).toBe(sales.length);
      expect(passes.map(({ opens, version }) => [opens, version])).toEqual(
        sales.map(({ opens, version }) => [opens, version]),
      );
    });

    it('removes neither the time limit nor the request limit where terms differ under one version', async () => {
      const first = await grant();
      const second = await grant(sale({ payment: 'two', requests: undefined }));
      expect(second).toEqual({ ...first, expiresAt: NOW + 2 * HOUR_MS });
      const third = await grant(sale({ payment: 'three', forMs: undefined }));
      expect(third).toMatchObject({ expiresAt: NOW + 2 * HOUR_MS, quota: { bought: 200 } });
    });

    it('keeps text of any kind as it is', async () => {
      const odd = 'ü\u{1F4B8}\'; DROP TABLE passes; -- \\ %_\n"';
      const pass = await grant(sale({ payment: odd, scope: `route:${odd}`, opens: [odd, ''], version: odd }));
      expect(pass).toMatchObject({ scope: `route:${odd}`, opens: [odd, ''], version: odd });
      expect(await scene.ledger.passes.findPasses(`route:${odd}`, HOLDER, NOW)).toEqual([pass]);
    });
  });

  describe('looking for passes', () => {
    it('finds the valid passes of a holder and scope, the one that ends last first', async () => {
      const short = await grant(sale({ payment: 'a', version: 'short' }));
      const long = await grant(sale({ payment: 'b', version: 'long', forMs: 2 * HOUR_MS }));
      const endless = await grant(sale({ payment: 'c', version: 'endless', forMs: undefined }));
      const revoked = await grant(sale({ payment: 'd', version: 'revoked', forMs: 3 * HOUR_MS }));
      await grant(sale({ payment: 'e', scope: 'group:reports' }));
      await grant(sale({ payment: 'f', holder: { ...HOLDER, payer: 'somebody' } }));
      await scene.ledger.passes.revokePass(revoked.id, NOW);
      const found = (at: number) => scene.ledger.passes.findPasses('route:reports', HOLDER, at);
      expect(await found(NOW)).toEqual([endless, long, short]);
      expect(await found(NOW + HOUR_MS - 1)).toHaveLength(3);
      expect(await found(NOW + HOUR_MS)).toEqual([endless, long]);
      expect(await scene.ledger.passes.findPasses('route:reports', { ...HOLDER, family: 'solana' }, NOW)).toEqual([]);
      expect(await scene.ledger.passes.findPass(UNKNOWN)).toBeUndefined();
    });

    it('returns all of them in the order of issue, whatever the page size', async () => {
      for (let index = 0; index < 7; index += 1)
        await grant(sale({ payment: `${index}`, version: `${index}` }), NOW + (index % 3));
      const { passes: all } = await scene.ledger.passes.listPasses(undefined, 100);
      expect(all.map(({ issuedAt }) => issuedAt - NOW)).toEqual([0, 0, 0, 1, 1, 2, 2]);
      const inPages = async (view: PassView): Promise<Pass[]> => {
        const paged: Pass[] = [];
        for (let after: PassPlace | undefined; ; ) {
          const { passes, last } = await scene.ledger.passes.listPasses(after, 2, view);
          paged.push(...passes);
          if (last === undefined) return paged;
          after = last;
        }
      };
      expect(await inPages({})).toEqual(all);
      expect(await inPages({ order: 'newest first' })).toEqual(all.toReversed());
      expect(await inPages({ payer: HOLDER.payer.toUpperCase(), order: 'newest first' })).toEqual(all.toReversed());
      expect(await inPages({ payer: 'somebody else' })).toEqual([]);
    });
  });

  describe('revoking a pass', () => {
    it('ends it permanently, and the next payment makes another one', async () => {
      const first = await grant();
      const revoked = await scene.ledger.passes.revokePass(first.id, NOW + 5);
      expect(revoked).toEqual({ ...first, revokedAt: NOW + 5 });
      expect(await scene.ledger.passes.revokePass(first.id, NOW + 9)).toEqual(revoked);
      expect(await grant()).toEqual(revoked);
      const second = await grant(sale({ payment: 'two' }));
      expect(second.id).not.toBe(first.id);
      expect(second.quota?.bought).toBe(100);
      expect(await scene.ledger.passes.findPass(first.id)).toEqual(revoked);
    });

    it('is visible to every process', async () => {
      const [one, other] = await both();
      const passes = [];
      for (const payment of ['a', 'b', 'c']) passes.push(await one!.grant(sale({ payment, version: payment }), NOW));
      for (const [index, { id }] of passes.entries()) await one!.revokePass(id, NOW + index);
      expect(await other!.revokedSince(NOW + 1)).toEqual(passes.slice(1).map(({ id }) => id));
      expect(await other!.revokedSince(NOW + 3)).toEqual([]);
    });

    it('says when there is no such pass', async () => {
      expect(await scene.ledger.passes.revokePass(UNKNOWN, NOW)).toBeUndefined();
    });
  });

  describe('spending a nonce', () => {
    it('succeeds once for fifty simultaneous sign-ins, over all processes', async () => {
      const stores = await both();
      const spent = await Promise.all(
        Array.from({ length: 50 }, (_, index) => stores[index % 2]!.spendNonce('nonce', NOW + 60_000)),
      );
      expect(spent.filter(Boolean)).toHaveLength(1);
      expect(await scene.ledger.passes.spendNonce('Nonce', NOW + 60_000)).toBe(true);
    });

    it('is remembered until after the nonce has expired, whatever is pruned', async () => {
      await scene.ledger.passes.spendNonce('nonce', NOW);
      await scene.ledger.passes.prunePasses(NOW, NOW + 300_000, 10);
      expect(await scene.ledger.passes.spendNonce('nonce', NOW)).toBe(false);
    });

    it('is refused after the nonce is forgotten, also for any other nonce that expired no later', async () => {
      const { passes } = scene.ledger;
      await passes.spendNonce('nonce', NOW);
      await passes.spendNonce('early', NOW - 5000);
      await passes.prunePasses(NOW, NOW + 300_001, 10);
      // The clock is set back: a nonce that the wrong clock deleted cannot be told apart from one that was never used.
      expect(await passes.spendNonce('nonce', NOW)).toBe(false);
      expect(await passes.spendNonce('never used', NOW)).toBe(false);
      expect(await passes.spendNonce('later', NOW + 1)).toBe(true);
      await passes.prunePasses(NOW, NOW - 1, 10);
      expect(await passes.spendNonce('later still', NOW + 2)).toBe(true);
      expect(await (await scene.another()).passes.spendNonce('nonce', NOW)).toBe(false);
    });
  });

  describe('the common key', () => {
    it('is the same for all processes that start at once, and never changes', async () => {
      const stores = await both();
      const keys = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          stores[index % 2]!.tokenKey(() => ({ id: `key-${index}`, secret: `secret-${index}` })),
        ),
      );
      expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(1);
      expect(keys[0]?.secret).toBe(keys[0]?.id.replace('key', 'secret'));
      expect(await stores[1]!.tokenKey(() => ({ id: 'late', secret: 'late' }))).toEqual(keys[0]);
    });
  });

  describe('pruning passes', () => {
    const prune = (before: number, limit = 10) => scene.ledger.passes.prunePasses(before, NOW, limit);

    it('deletes what ended long ago: expired, revoked or used up', async () => {
      await grant(sale({ payment: 'expired', version: 'expired' }));
      const revoked = await grant(sale({ payment: 'revoked', version: 'revoked', forMs: 9 * HOUR_MS }));
      await scene.ledger.passes.revokePass(revoked.id, NOW + 1);
      const usedUp = await grant(sale({ payment: 'used', version: 'used', forMs: undefined, requests: 3 }));
      await scene.ledger.passes.lease(usedUp.id, { want: 3, spent: 0, returned: 0 }, NOW + 2);
      const kept = [
        await grant(sale({ payment: 'lasting', version: 'lasting', forMs: 9 * HOUR_MS })),
        await grant(sale({ payment: 'counted', version: 'counted', forMs: undefined })),
      ];
      expect(await prune(NOW + 1)).toBe(0);
      expect(await prune(NOW + 2)).toBe(1);
      expect(await prune(NOW + 3)).toBe(1);
      expect(await prune(NOW + HOUR_MS)).toBe(0);
      expect(await prune(NOW + HOUR_MS + 1)).toBe(1);
      expect((await scene.ledger.passes.listPasses(undefined, 10)).passes).toHaveLength(kept.length);
    });

    it('keeps used-up passes that got units back or were extended', async () => {
      const counted = { forMs: undefined, requests: 3 };
      const back = await grant(sale({ payment: 'a', version: 'a', ...counted }));
      await scene.ledger.passes.lease(back.id, { want: 3, spent: 0, returned: 0 }, NOW);
      await scene.ledger.passes.lease(back.id, { want: 0, spent: 2, returned: 1 }, NOW);
      const extended = await grant(sale({ payment: 'b', version: 'b', ...counted }));
      await scene.ledger.passes.lease(extended.id, { want: 3, spent: 0, returned: 0 }, NOW);
      await grant(sale({ payment: 'c', version: 'b', ...counted }));
      expect(await prune(NOW + HOUR_MS)).toBe(0);
    });

    it('keeps a pass as long as the ledger has a payment that bought it', async () => {
      const claim = paymentClaim({ name: 'one' });
      const released = await scene.broughtTo('released', claim);
      const pass = await grant(sale({ paymentKey: released.key }));
      await grant(sale({ payment: 'two' }));
      expect(await prune(NOW + 9 * HOUR_MS)).toBe(0);
      expect((await grant(sale({ paymentKey: released.key }))).id).toBe(pass.id);
      await scene.ledger.prune(NOW + 9 * HOUR_MS, NOW, 10);
      expect(await prune(NOW + 9 * HOUR_MS)).toBe(1);
      expect(await scene.ledger.passes.findPass(pass.id)).toBeUndefined();
    });

    it('deletes a limited number at a time', async () => {
      for (const payment of ['a', 'b', 'c']) await grant(sale({ payment, version: payment }));
      expect(await prune(NOW + 2 * HOUR_MS, 2)).toBe(2);
      expect(await prune(NOW + 2 * HOUR_MS, 2)).toBe(1);
    });
  });
}
