import { describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import { RESOLVABLE } from '../../src/domain/payment-state.ts';
import { encodeUsage } from '../../src/domain/usage.ts';
import type { BookFilter, ReadingOrder } from '../../src/store/books.ts';
import { type LedgerScene, NOW, paymentClaim, SETTLEMENT, STATES } from './ledger-scene.ts';

const DAY_MS = 86_400_000;

/** The ledger as operators read it. */
export function booksContract(scene: LedgerScene): void {
  const { claimed, moved, broughtTo } = scene;

  /** The names of the listed payments, page by page. */
  async function listed(filter: BookFilter, pageSize = 100, order?: ReadingOrder): Promise<string[]> {
    const names: string[] = [];
    for (let after: { claimedAt: number; key: string } | undefined; ; ) {
      const page = await scene.ledger.list(filter, after, pageSize, order);
      names.push(...page.map(({ key }) => key.slice(key.lastIndexOf('|') + 1)));
      expect(page.length).toBeLessThanOrEqual(pageSize);
      after = page.at(-1);
      if (after === undefined) return names;
    }
  }

  describe('listing payments', () => {
    it('returns all of them in the order of their claims, whatever the page size', async () => {
      const names = ['b', 'Z', 'a', 'ä', '_', '0', 'B'];
      for (const name of names) await claimed(paymentClaim({ name, claimedAt: NOW }));
      await claimed(paymentClaim({ name: 'first', claimedAt: NOW - 1 }));
      await claimed(paymentClaim({ name: 'last', claimedAt: NOW + 1 }));
      const ordered = ['first', '0', 'B', 'Z', '_', 'a', 'b', 'ä', 'last'];
      for (const pageSize of [1, 2, 3, 9, 100]) {
        expect(await listed({}, pageSize)).toEqual(ordered);
        expect(await listed({}, pageSize, 'newest first')).toEqual(ordered.toReversed());
        expect(await listed({ states: ['forwarding'] }, pageSize, 'newest first')).toEqual(ordered.toReversed());
      }
    });

    it('selects those of one payer, in upper or lower case', async () => {
      await claimed(paymentClaim({ name: 'a', payer: '0xAb' }));
      await claimed(paymentClaim({ name: 'b', payer: '0xcd' }));
      expect(await listed({ payer: '0xaB' })).toEqual(['a']);
      expect(await listed({ payer: '0xCD' })).toEqual(['b']);
      expect(await listed({ payer: '0xee' })).toEqual([]);
    });

    it('returns whole rows', async () => {
      const record = await broughtTo('delivering', paymentClaim({ identifier: 'order-7' }));
      expect(await scene.ledger.list({}, undefined, 10)).toEqual([record]);
    });

    it('selects by the time of the claim, by route and by state', async () => {
      for (const [index, state] of (['forwarding', 'delivered', 'released'] as const).entries()) {
        await broughtTo(state, paymentClaim({ name: `${state}`, claimedAt: NOW + index, route: `route-${index % 2}` }));
      }
      expect(await listed({ since: NOW + 1 })).toEqual(['delivered', 'released']);
      expect(await listed({ until: NOW + 1 })).toEqual(['forwarding']);
      expect(await listed({ since: NOW + 1, until: NOW + 2 })).toEqual(['delivered']);
      expect(await listed({ route: 'route-0' })).toEqual(['forwarding', 'released']);
      expect(await listed({ states: ['delivered', 'released'] })).toEqual(['delivered', 'released']);
      expect(await listed({ route: 'route-0', states: ['delivered', 'released'], since: NOW }, 1)).toEqual([
        'released',
      ]);
      expect(await listed({ states: [] })).toEqual([]);
      expect(await listed({ route: "x' OR '1' = '1" })).toEqual([]);
    });
  });

  describe('finding payments by a name', () => {
    it('matches the key, the request, the nonce and both transactions, and no prefix of them', async () => {
      const record = await broughtTo('delivered', paymentClaim({ name: '0xAbC1', requestId: 'request-7' }));
      await broughtTo('delivered', paymentClaim({ name: 'other', requestId: 'request-8' }));
      for (const name of [record.key, 'request-7', '0xAbC1']) expect(await listed({ name }), name).toEqual(['0xAbC1']);
      const transaction = record.settlement?.transaction ?? '';
      expect((await listed({ name: transaction })).sort()).toEqual(['0xAbC1', 'other']);
      for (const name of ['request', record.key.slice(0, -1), '%', '', 'abc1'])
        expect(await listed({ name })).toEqual([]);
    });
  });

  describe('skipping payments', () => {
    it('returns the place of the row at a given distance from either end, and none beyond the last row', async () => {
      for (const name of ['a', 'b', 'c', 'd']) await claimed(paymentClaim({ name, claimedAt: NOW }));
      const nameAt = async (...given: Parameters<typeof scene.ledger.skip>): Promise<string | undefined> =>
        (await scene.ledger.skip(...given))?.key.split('|').at(-1);
      expect(await nameAt(undefined, 1)).toBe('a');
      expect(await nameAt(undefined, 4)).toBe('d');
      expect(await nameAt(undefined, 5)).toBeUndefined();
      expect(await nameAt(undefined, 2, 'newest first')).toBe('c');
      const place = await scene.ledger.skip(undefined, 1, 'newest first');
      expect(await nameAt(place, 3, 'newest first')).toBe('a');
      expect(await nameAt(place, 1)).toBeUndefined();
    });
  });

  describe('noting that a payment was resolved by hand', () => {
    const NOTE = { at: NOW + 5, note: 'refunded by hand, \u{1F44D}' };

    it.each(RESOLVABLE)('changes nothing else about a payment in %s', async (state) => {
      const record = await broughtTo(state);
      const noted = await scene.ledger.resolve(record.key, NOTE);
      expect(noted).toEqual({ ...record, resolution: NOTE });
      expect(await scene.ledger.find(record.key)).toEqual(noted);
      const again = await scene.ledger.resolve(record.key, { at: NOW + 9, note: 'or not' });
      expect(again?.resolution).toEqual({ at: NOW + 9, note: 'or not' });
    });

    it.each(STATES.filter((state) => !RESOLVABLE.includes(state)))('is refused in %s', async (state) => {
      const record = await broughtTo(state);
      expect(await scene.ledger.resolve(record.key, NOTE)).toBeUndefined();
      expect(await scene.ledger.find(record.key)).toEqual(record);
    });

    it('is refused for a payment that is not there', async () => {
      expect(await scene.ledger.resolve(paymentClaim().key, NOTE)).toBeUndefined();
    });

    it('removes the payment from the unresolved ones and the open ones, and not from the sums', async () => {
      const doubt = await broughtTo('unknown', paymentClaim({ name: 'doubt' }));
      await broughtTo('delivery_unknown', paymentClaim({ name: 'lost', claimedAt: NOW + 1 }));
      expect(await listed({ unresolved: true })).toEqual(['doubt', 'lost']);
      expect(await scene.ledger.countOpen()).toMatchObject([{ state: 'unknown', count: 1 }]);
      await scene.ledger.resolve(doubt.key, NOTE);
      expect(await listed({ unresolved: true })).toEqual(['lost']);
      expect(await listed({})).toEqual(['doubt', 'lost']);
      expect(await scene.ledger.countOpen()).toEqual([]);
      expect(await scene.ledger.summarize({})).toMatchObject([{ settled: 1, open: 1 }]);
    });

    it('is kept by later steps of the payment, which is still taken for its checks', async () => {
      const doubt = await broughtTo('unknown');
      await scene.ledger.resolve(doubt.key, NOTE);
      const [taken] = await scene.ledger.takeOpen('finder', doubt.checkAt, 1000, 10);
      expect(taken?.key).toBe(doubt.key);
      const paid = await moved(taken ?? doubt, { to: 'delivered', settlement: SETTLEMENT });
      expect(paid.resolution).toEqual(NOTE);
    });

    it('is deleted by a new claim of the same payment', async () => {
      const doubt = await broughtTo('unknown');
      await scene.ledger.resolve(doubt.key, NOTE);
      await moved(doubt, { to: 'failed' });
      expect((await claimed()).resolution).toBeUndefined();
    });
  });

  describe('summing up by model', () => {
    const usage = (model: string | undefined): string => {
      const nothing = { stated: undefined, missing: undefined, figures: new Map(), rates: new Map() };
      return encodeUsage({ meter: 'openai', model, ...nothing, guessed: false, end: 'complete', min: '0' });
    };
    const sold = async (name: string, model: string | undefined, amount: bigint, claimedAt = NOW): Promise<void> => {
      const forwarding = await broughtTo('forwarding', paymentClaim({ name, claimedAt }));
      const settling = await moved(forwarding, { to: 'settling', usage: usage(model) });
      await moved(settling, { to: 'delivered', settlement: { ...SETTLEMENT, amount: amount as Amount } });
    };

    it('adds what each model earned exactly, whatever its name, and leaves out what was not charged by use', async () => {
      const odd = 'gpt "5" \\ ü \n","model":"b';
      const large = 2n ** 200n + 1n;
      await sold('one', odd, 7n);
      await sold('two', odd, large);
      await sold('three', 'b', 3n);
      await sold('four', undefined, 4n, NOW - DAY_MS);
      await broughtTo('delivered', paymentClaim({ name: 'priced' }));
      await moved(await claimed(paymentClaim({ name: 'open' })), { to: 'settling', usage: usage('b') });
      const told = (await scene.ledger.summarizeModels({})).map(({ model, settled, amount, open }) => {
        return { model, settled, amount, open };
      });
      expect(told).toEqual([
        { model: undefined, settled: 1, amount: 4n, open: 0 },
        { model: 'b', settled: 1, amount: 3n, open: 1 },
        { model: odd, settled: 2, amount: large + 7n, open: 0 },
      ]);
      const day = Math.floor(NOW / DAY_MS) * DAY_MS;
      expect(await scene.ledger.summarizeModels({ since: day })).toHaveLength(2);
      expect(await scene.ledger.summarizeModels({ until: day })).toMatchObject([
        { model: undefined, route: 'weather' },
      ]);
      expect(await scene.ledger.summarizeModels({ states: [] })).toEqual([]);
    });
  });

  describe('summing up', () => {
    it('adds settled amounts exactly, also above 64 bits', async () => {
      const amounts = [2n ** 64n + 1n, 2n ** 64n + 1n, 2n ** 255n, 2n ** 255n, 2n ** 53n + 1n, 1n];
      for (const [index, amount] of amounts.entries()) {
        const settling = await broughtTo(
          'settling',
          paymentClaim({ name: `payment-${index}`, amount: amount as Amount }),
        );
        await moved(settling, {
          to: 'delivered',
          settlement: { ...SETTLEMENT, amount: amount as Amount },
        });
      }
      const [total, ...others] = await scene.ledger.summarize({});
      expect(others).toEqual([]);
      expect(total).toMatchObject({ settled: 6, amount: amounts.reduce((sum, amount) => sum + amount), open: 0 });
    });

    it('has a line per UTC day, route, network and asset, in this order', async () => {
      const midnight = Math.ceil(NOW / DAY_MS) * DAY_MS;
      const day = new Date(midnight).toISOString().slice(0, 10);
      const eve = new Date(midnight - 1).toISOString().slice(0, 10);
      const { network, asset } = paymentClaim();
      await broughtTo('delivered', paymentClaim({ name: 'a', claimedAt: midnight, route: 'b' }));
      await broughtTo('undelivered', paymentClaim({ name: 'b', claimedAt: midnight - 1, route: 'b' }));
      await broughtTo('delivering', paymentClaim({ name: 'c', claimedAt: midnight, route: 'a' }));
      await broughtTo('delivery_unknown', paymentClaim({ name: 'd', claimedAt: midnight, route: 'a', asset: '0x09' }));
      const line = { network, asset, settled: 1, amount: 10_000n, open: 0 };
      expect(await scene.ledger.summarize({})).toEqual([
        { ...line, day: eve, route: 'b' },
        { ...line, day, route: 'a' },
        { ...line, day, route: 'a', asset: '0x09' },
        { ...line, day, route: 'b' },
      ]);
      expect(await scene.ledger.summarize({ since: midnight, route: 'b' })).toEqual([{ ...line, day, route: 'b' }]);
    });

    it('counts payments that may still settle as open, also on credit, and no payment whose money did not move', async () => {
      for (const state of ['settling', 'unknown', 'delivered', 'released', 'failed', 'forwarding', 'owed'] as const) {
        await broughtTo(state, paymentClaim({ name: state }));
      }
      expect(await scene.ledger.summarize({})).toMatchObject([{ settled: 1, amount: 10_000n, open: 3 }]);
      expect(await scene.ledger.summarize({ states: ['unknown'] })).toMatchObject([
        { settled: 0, amount: 0n, open: 1 },
      ]);
      expect(await scene.ledger.summarize({ states: [] })).toEqual([]);
    });

    it('uses the settled amount where it differs from the amount that was asked for', async () => {
      const settling = await broughtTo('settling');
      await moved(settling, { to: 'delivered', settlement: { ...SETTLEMENT, amount: 7n as Amount } });
      expect(await scene.ledger.summarize({})).toMatchObject([{ settled: 1, amount: 7n }]);
    });
  });
}
