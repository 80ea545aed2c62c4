import { EventEmitter, once } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Webhook } from '../../../src/domain/webhook.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import type { Delivery, WaitingEvents } from '../../../src/store/outbox.ts';
import type { PaymentStore } from '../../../src/store/payment-store.ts';
import type { Message } from '../../../src/webhook/message.ts';
import { type AttemptOutcome, HOLD_MS, Messenger } from '../../../src/webhook/messenger.ts';
import type { Post } from '../../../src/webhook/post.ts';
import { NOW, paymentClaim, SETTLEMENT } from '../../contract/ledger-scene.ts';

const BOOKS: Webhook = { id: 'books', url: 'https://books.example/', secret: 'c2VjcmV0', routes: undefined };
const SHOP: Webhook = { ...BOOKS, id: 'shop', url: 'https://shop.example/' };
const DAY_MS = 24 * 3_600_000;

/** What a receiver does with a message: a status, no answer at all, or silence until it is told. */
type Behaviour = number | 'reset' | Promise<number>;

let store: PaymentStore;
let now: number;
let sent: { url: string; message: Message }[];
let happened: EventEmitter;
let outcomes: { hook: string; attempt: number; outcome: AttemptOutcome }[];
let troubles: unknown[];
let damaged: unknown[];
let expired: [hook: string, count: number][];
let behaviours: Record<string, Behaviour>;

beforeEach(() => {
  now = NOW;
  store = openMemoryLedger(() => now);
  sent = [];
  happened = new EventEmitter();
  happened.setMaxListeners(0);
  outcomes = [];
  troubles = [];
  damaged = [];
  expired = [];
  behaviours = {};
});

const post: Post = {
  async send(url, message, signal) {
    sent.push({ url, message });
    happened.emit('sent');
    const behaviour = behaviours[url] ?? 200;
    if (behaviour === 'reset') throw new Error('connection reset');
    if (typeof behaviour === 'number') return behaviour;
    const stopped = Promise.withResolvers<number>();
    signal.addEventListener('abort', () => stopped.reject(signal.reason));
    return await Promise.race([behaviour, stopped.promise]);
  },
  close: async () => undefined,
};

function messenger(hooks: readonly Webhook[] = [BOOKS], outbox = store.outbox): Messenger {
  return new Messenger({
    outbox,
    webhooks: () => hooks,
    post,
    notes: {
      attempted(hook: Webhook, { attempt }: Delivery, outcome: AttemptOutcome) {
        outcomes.push({ hook: hook.id, attempt, outcome });
        happened.emit('attempted');
      },
      unreadable: (hook, event) => {
        damaged.push({ hook: hook.id, ...event });
        happened.emit('unreadable');
      },
      expired: (hook, count) => {
        expired.push([hook.id, count]);
        happened.emit('expired');
      },
      waits: (waiting: WaitingEvents) => happened.emit('counted', waiting),
      trouble: (fault) => {
        troubles.push(fault);
        happened.emit('trouble');
      },
    },
    clock: () => now,
    random: () => 0.5,
  });
}

async function until(event: string, enough: () => boolean): Promise<void> {
  while (!enough()) await once(happened, event);
}

/** A payment settles, and is told to these receivers. */
async function settled(name: string, hooks: readonly string[] = ['books']): Promise<void> {
  const { record } = await store.claim(paymentClaim({ name, state: 'settling' }));
  const news = { type: 'payment.settled', hooks } as const;
  await store.transition(record.key, record.epoch, { to: 'delivered', settlement: SETTLEMENT, news });
}

/** Lets one messenger do all that is due now. */
async function tell(hooks?: readonly Webhook[]): Promise<AttemptOutcome | undefined> {
  const before = outcomes.length;
  const one = messenger(hooks);
  one.start();
  await until('attempted', () => outcomes.length > before);
  await one.stop();
  return outcomes.at(-1)?.outcome;
}

describe('the messenger', () => {
  it('sends a due event once, and then no event waits', async () => {
    await settled('one');
    expect(await tell()).toEqual({ kind: 'delivered' });
    expect(sent).toMatchObject([{ url: BOOKS.url, message: { headers: { 'webhook-timestamp': String(NOW / 1000) } } }]);
    expect(await store.outbox.waiting(['books'])).toEqual({ count: 0, oldestAt: undefined });
  });

  it('reports the waiting events at each round, and none without receivers', async () => {
    await settled('one');
    const one = messenger([]);
    const counted = once(happened, 'counted');
    one.start();
    expect(await counted).toEqual([{ count: 0, oldestAt: undefined }]);
    await one.stop();
    expect(sent).toEqual([]);
    expect((await store.outbox.waiting(['books'])).count).toBe(1);
  });

  it('sends the event of a step at once, without waiting for a round', async () => {
    const one = messenger();
    await settled('one');
    one.heed({ to: 'forwarding', settled: false });
    expect(sent).toEqual([]);
    one.heed({ to: 'delivered', settled: true });
    await until('attempted', () => outcomes.length > 0);
    await one.stop();
    expect(sent).toHaveLength(1);
  });

  it.each([500, 404, 301, 308, 'reset'] as const)('tries again later when the receiver does %s', async (behaviour) => {
    behaviours[BOOKS.url] = behaviour;
    await settled('one');
    expect(await tell()).toMatchObject({ kind: 'failed', nextAt: NOW + 5_000 });
    now += 5_000;
    expect(await tell()).toMatchObject({ kind: 'failed', nextAt: now + 10_000 });
    now += 10_000;
    behaviours[BOOKS.url] = 202;
    expect(await tell()).toEqual({ kind: 'delivered' });
    expect(new Set(sent.map(({ message }) => message.headers['webhook-id'])).size).toBe(1);
    expect(outcomes.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('ends an event after status 410, and still sends the next one', async () => {
    behaviours[BOOKS.url] = 410;
    await settled('one');
    expect(await tell()).toEqual({ kind: 'gone' });
    expect((await store.outbox.waiting(['books'])).count).toBe(0);
    behaviours[BOOKS.url] = 200;
    await settled('two');
    expect(await tell()).toEqual({ kind: 'delivered' });
  });

  it('gives an event up after three days', async () => {
    behaviours[BOOKS.url] = 503;
    await settled('one');
    now += 3 * DAY_MS - 1;
    expect(await tell()).toMatchObject({ kind: 'given_up', status: 503 });
    expect((await store.outbox.waiting(['books'])).count).toBe(0);
  });

  it('tries events once more that are older than three days: the gateway was off', async () => {
    await settled('one');
    now += 5 * DAY_MS;
    expect(await tell()).toEqual({ kind: 'delivered' });
    expect(expired).toEqual([]);
  });

  it('deletes events after six days, and reports those of receivers that are still there', async () => {
    behaviours[BOOKS.url] = new Promise(() => {});
    for (let index = 0; index < 12; index += 1) await settled(`payment-${index}`, ['books', 'gone']);
    now += 6 * DAY_MS + 1;
    const one = messenger();
    one.start();
    await until('expired', () => expired.length > 0);
    await one.stop();
    // Eight are under way.
    expect(expired).toEqual([['books', 4]]);
    expect((await store.outbox.waiting(['gone'])).count).toBe(0);
  });

  it('leaves messages under way to other processes at once when it stops', async () => {
    behaviours[BOOKS.url] = new Promise(() => {});
    await settled('one');
    const one = messenger();
    one.start();
    await until('sent', () => sent.length === 1);
    expect((await store.outbox.takeDue('books', now, HOLD_MS, 1)).deliveries).toEqual([]);
    await one.stop();
    expect(outcomes).toEqual([]);
    expect((await store.outbox.takeDue('books', now, HOLD_MS, 1)).deliveries).toMatchObject([{ attempt: 2 }]);
  });

  it('has no more than eight messages under way to a receiver, and goes on as they end', async () => {
    const released = Promise.withResolvers<number>();
    behaviours[BOOKS.url] = released.promise;
    for (let index = 0; index < 20; index += 1) await settled(`payment-${index}`, ['books', 'shop']);
    const one = messenger([BOOKS, SHOP]);
    one.start();
    // The other receiver gets every event meanwhile.
    await until('attempted', () => outcomes.filter(({ hook }) => hook === 'shop').length === 20);
    expect(sent.filter(({ url }) => url === BOOKS.url)).toHaveLength(8);
    released.resolve(200);
    await until('attempted', () => outcomes.length === 40);
    await one.stop();
    expect(new Set(sent.map(({ url, message }) => url + message.headers['webhook-id'])).size).toBe(40);
    expect((await store.outbox.waiting(['books', 'shop'])).count).toBe(0);
  });

  it('sends the other events when one is damaged, and reports the damage', async () => {
    await settled('one');
    const { outbox } = store;
    const broken = { id: 'evt_broken', column: 'amount' };
    const some = {
      ...{ forget: outbox.forget.bind(outbox), postpone: outbox.postpone.bind(outbox) },
      ...{ waiting: outbox.waiting.bind(outbox), pruneEvents: outbox.pruneEvents.bind(outbox) },
      takeDue: async (hook: string, at: number, holdMs: number, limit: number) => {
        const taken = await outbox.takeDue(hook, at, holdMs, limit);
        return { ...taken, unreadable: damaged.length === 0 ? [broken] : [] };
      },
    };
    const one = messenger([BOOKS], some);
    one.start();
    await until('attempted', () => outcomes.length === 1);
    await one.stop();
    expect(damaged).toEqual([{ hook: 'books', ...broken }]);
    expect(sent).toHaveLength(1);
  });

  it('survives a store that is away, and sends when it is back', async () => {
    await settled('one');
    let away = true;
    const { outbox } = store;
    const flaky = {
      ...{ forget: outbox.forget.bind(outbox), postpone: outbox.postpone.bind(outbox) },
      ...{ waiting: outbox.waiting.bind(outbox), pruneEvents: outbox.pruneEvents.bind(outbox) },
      takeDue: async (hook: string, at: number, holdMs: number, limit: number) => {
        if (away) throw new Error('the store is away');
        return await outbox.takeDue(hook, at, holdMs, limit);
      },
    };
    const one = messenger([BOOKS], flaky);
    one.start();
    await until('trouble', () => troubles.length > 0);
    expect(sent).toEqual([]);
    away = false;
    one.heed({ to: 'delivered', settled: true });
    await until('attempted', () => outcomes.length === 1);
    await one.stop();
    expect(sent).toHaveLength(1);
  });
});
