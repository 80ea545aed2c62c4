import { describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import type { News } from '../../src/store/ledger.ts';
import { COUNTED_EVENTS, type Delivery, eventId } from '../../src/store/outbox.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { type LedgerScene, NOW, paymentClaim, SETTLEMENT } from './ledger-scene.ts';

const HOLD_MS = 1000;
const HOUR_MS = 3_600_000;
const SETTLED: News = { type: 'payment.settled', hooks: ['books'] };

/** The events for receivers. */
export function outboxContract(scene: LedgerScene): void {
  const take = async (limit = 10, hook = 'books', ledger: PaymentStore = scene.ledger): Promise<readonly Delivery[]> =>
    (await ledger.outbox.takeDue(hook, scene.now, HOLD_MS, limit)).deliveries;

  /** A payment that settles, with an event. */
  async function settled(name: string, news: News = SETTLED): Promise<PaymentRecord> {
    const settling = await scene.broughtTo('settling', paymentClaim({ name }));
    return await scene.moved(settling, { to: 'delivered', settlement: SETTLEMENT, news });
  }

  describe('the outbox', () => {
    it('holds a copy of the payment after the step for each receiver', async () => {
      const settling = await scene.broughtTo('settling');
      scene.now += 5;
      const settlement = { ...SETTLEMENT, amount: 7n as Amount };
      const news: News = { type: 'payment.settled', hooks: ['books', 'shop'] };
      const record = await scene.moved(settling, { to: 'undelivered', settlement, news });
      const event = {
        id: eventId('payment.settled', record.key),
        type: 'payment.settled',
        createdAt: NOW + 5,
        payment: record.key,
        route: record.route,
        requestId: record.requestId,
        payer: record.payer,
        network: record.network,
        asset: record.asset,
        amount: 7n,
        payTo: record.payTo,
        scheme: record.scheme,
        protocol: 'mpp',
        usage: undefined,
        transaction: SETTLEMENT.transaction,
        settledAt: NOW + 5,
      };
      expect(await take()).toEqual([{ hook: 'books', attempt: 1, event }]);
      expect(await take(10, 'shop')).toEqual([{ hook: 'shop', attempt: 1, event }]);
      expect(await take(10, 'nobody')).toEqual([]);
    });

    it('holds events of payments that never settled, without a transaction and with the amount to pay', async () => {
      const settling = await scene.broughtTo('settling');
      await scene.moved(settling, { to: 'defaulted', news: { type: 'payment.defaulted', hooks: ['books'] } });
      const [delivery] = await take();
      expect(delivery?.event).toMatchObject({ type: 'payment.defaulted', amount: 10_000n });
      expect(delivery?.event).toMatchObject({ transaction: undefined, settledAt: undefined });
    });

    it('holds the usage of a charge', async () => {
      const usage = '{"meter":"openai","figures":{"input":"12"}}';
      const settling = await scene.moved(await scene.broughtTo('forwarding'), { to: 'settling', usage });
      await scene.moved(settling, { to: 'delivered', settlement: SETTLEMENT, news: SETTLED });
      expect((await take())[0]?.event.usage).toBe(usage);
    });

    it('holds no event of a step that was refused', async () => {
      const settling = await scene.broughtTo('settling');
      const step = { to: 'delivered', settlement: SETTLEMENT, news: SETTLED } as const;
      expect(await scene.ledger.transition(settling.key, settling.epoch - 1, step)).toMatchObject({ kind: 'stale' });
      await expect(
        scene.ledger.transition(settling.key, settling.epoch, { to: 'forwarding', news: SETTLED }),
      ).rejects.toThrow('cannot go from settling');
      expect(await take()).toEqual([]);
    });

    it('holds one event per type and payment, each with an id of its own', async () => {
      const one = await settled('one');
      await scene.moved(one, { to: 'redelivering', news: SETTLED });
      await settled('two');
      const ids = (await take()).map(({ event }) => event.id);
      expect(new Set(ids).size).toBe(2);
      expect(ids).toHaveLength(2);
      expect(ids).toContain(eventId('payment.settled', one.key));
      expect(ids).not.toContain(eventId('settlement.unknown', one.key));
      expect(ids.join('')).toMatch(/^[\w-]+$/);
    });

    it('keeps undelivered events when the payment is deleted', async () => {
      const { key } = await settled('old');
      expect(await scene.ledger.prune(NOW + HOUR_MS, NOW, 10)).toBe(1);
      expect(await scene.ledger.find(key)).toBeUndefined();
      expect(await take()).toMatchObject([{ event: { payment: key } }]);
    });

    it('returns due events, the longest due first, up to a limit', async () => {
      for (const name of ['a', 'b', 'c']) {
        await settled(name);
        scene.now += 1;
      }
      const names = (deliveries: readonly Delivery[]) => deliveries.map(({ event }) => event.requestId.at(-1));
      expect(names(await take(2))).toEqual(['a', 'b']);
      expect(names(await take(2))).toEqual(['c']);
    });

    it('returns a taken event again after the hold, with one more attempt', async () => {
      await settled('one');
      expect(await take()).toMatchObject([{ attempt: 1 }]);
      scene.now += HOLD_MS - 1;
      expect(await take()).toEqual([]);
      scene.now += 1;
      expect(await take()).toMatchObject([{ attempt: 2 }]);
    });

    it('postpones an event that was not delivered', async () => {
      await settled('one');
      const [delivery] = await take();
      await scene.ledger.outbox.postpone(delivery!, NOW + HOUR_MS);
      scene.now += HOUR_MS - 1;
      expect(await take()).toEqual([]);
      scene.now += 1;
      expect(await take()).toMatchObject([{ attempt: 2 }]);
    });

    it('does not let a slow process postpone an event that another process has taken', async () => {
      await settled('one');
      const [slow] = await take();
      scene.now += HOLD_MS;
      const [quick] = await take();
      await scene.ledger.outbox.postpone(slow!, NOW + HOUR_MS);
      scene.now += HOLD_MS;
      expect(await take()).toMatchObject([{ attempt: quick!.attempt + 1 }]);
    });

    it('deletes the event that one receiver got, whichever process holds it, and nothing else', async () => {
      await settled('one', { type: 'payment.settled', hooks: ['books', 'shop'] });
      const [slow] = await take();
      scene.now += HOLD_MS;
      const [quick] = await take();
      await scene.ledger.outbox.forget(slow!);
      await scene.ledger.outbox.postpone(quick!, NOW);
      scene.now += HOUR_MS;
      expect(await take()).toEqual([]);
      expect(await take(10, 'shop')).toHaveLength(1);
    });

    it('counts waiting events, taken or not, with the time of the oldest', async () => {
      const { outbox } = scene.ledger;
      expect(await outbox.waiting([])).toEqual({ count: 0, oldestAt: undefined });
      expect(await outbox.waiting(['books'])).toEqual({ count: 0, oldestAt: undefined });
      await settled('one', { type: 'payment.settled', hooks: ['books', 'shop'] });
      scene.now += 7;
      await settled('two');
      await take(1);
      expect(await outbox.waiting(['books', 'shop'])).toEqual({ count: 3, oldestAt: NOW });
      expect(await outbox.waiting(['shop'])).toEqual({ count: 1, oldestAt: NOW });
      expect(COUNTED_EVENTS).toBeGreaterThan(1000);
    });

    it('deletes old events of all receivers, up to a limit', async () => {
      await settled('old', { type: 'payment.settled', hooks: ['books', 'gone'] });
      scene.now += HOUR_MS;
      await settled('new');
      const { outbox } = scene.ledger;
      const prune = (limit: number) => outbox.pruneEvents(NOW + 1, scene.now, limit);
      const pruned = [await prune(1), await prune(10)];
      expect(pruned.map(({ length }) => length)).toEqual([1, 1]);
      expect(pruned.flat().toSorted()).toEqual(['books', 'gone']);
      expect(await prune(10)).toEqual([]);
      expect(await take()).toMatchObject([{ event: { createdAt: NOW + HOUR_MS } }]);
    });

    it('deletes no old event that is under way', async () => {
      await settled('old');
      expect(await take()).toHaveLength(1);
      expect(await scene.ledger.outbox.pruneEvents(NOW + 1, scene.now, 10)).toEqual([]);
      expect(await scene.ledger.outbox.pruneEvents(NOW + 1, scene.now + HOUR_MS, 10)).toEqual(['books']);
    });

    it('gives each of thirty events to one of two processes that ask repeatedly at the same time', async () => {
      for (let index = 0; index < 30; index += 1) await settled(`payment-${index}`);
      const ledgers = [scene.ledger, await scene.another()];
      const taken = await Promise.all(Array.from({ length: 20 }, (_, index) => take(4, 'books', ledgers[index % 2]!)));
      const ids = taken.flat().map(({ event }) => event.id);
      expect(new Set(ids).size).toBe(ids.length);
      // PostgreSQL skips rows that another process is taking: the next call takes the rest.
      const rest = await take(30);
      expect(ids.length + rest.length).toBe(30);
      expect(new Set([...ids, ...rest.map(({ event }) => event.id)]).size).toBe(30);
    });

    it('rejects everything as unavailable after close', async () => {
      await settled('one');
      const [delivery] = await take();
      await scene.ledger.close();
      const unavailable = { name: 'GatewayError', code: 'store_unavailable' };
      await expect(take()).rejects.toMatchObject(unavailable);
      await expect(scene.ledger.outbox.forget(delivery!)).rejects.toMatchObject(unavailable);
      await expect(scene.ledger.outbox.waiting(['books'])).rejects.toMatchObject(unavailable);
    });
  });
}
