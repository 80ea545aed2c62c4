import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { scrape, sumOf } from '../support/metrics.ts';
import { lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** Large answers that are to be kept, from many calls at once: what they take stays within its bounds. */

const SIZE = 256 * 1024;
const CALLS = 12;
let siege: Siege;
let store: PaymentStore;

beforeAll(async () => {
  store = openMemoryLedger();
  siege = await laySiege(
    `
limits: { refusalsPerMinute: 1000, keptAnswersInMemory: ${2 * SIZE}, keptAnswersInStore: ${3 * SIZE} }
keepAnswers: { size: 1MB }
routes:
  - { path: /after, methods: [POST], price: $0.001 }
  - { path: /named/:id, price: $0.001, paymentIdentifier: optional }
`,
    { opened: store },
  );
});
afterAll(() => siege.close());

async function buyers(count: number): Promise<string[]> {
  const payments = await Promise.all(Array.from({ length: count }, () => siege.sign('/after', { method: 'POST' })));
  return payments.map((payment) => lastRequest('POST /after', ['Content-Length: 0', paying(payment)]));
}

async function notKept(room: string): Promise<number> {
  return sumOf(await scrape(siege.gateway.adminUrl), 'turnpike_answers_not_kept_total', { room });
}

describe('many large answers at once', () => {
  let before = 0;
  beforeEach(async () => {
    before = await store.countKept();
  });

  it('take no more memory than their common limit, and are still delivered', async () => {
    // The head first, and the body when all calls have arrived: so all answers are held at the same time.
    const bodies: (() => void)[] = [];
    siege.answer((_req, res) => {
      res.writeHead(200, { 'Content-Length': SIZE });
      res.write(Buffer.alloc(SIZE - 1));
      bodies.push(() => res.end('.'));
    });
    const asked = siege.seen.length;
    const answers = (await buyers(CALLS)).map((bytes) => siege.ask(bytes));
    await siege.asked(asked + CALLS);
    await expect.poll(() => notKept('memory')).toBeGreaterThanOrEqual(CALLS - 2);
    for (const end of bodies) end();
    expect((await Promise.all(answers)).map(statusOf)).toEqual(Array(CALLS).fill(200));
    expect((await store.countKept()) - before).toBeLessThanOrEqual(2 * SIZE);
  });

  it('are not kept when their payment moved no money', async () => {
    siege.answer((_req, res) => res.end(Buffer.alloc(1000)));
    const [bytes = ''] = await buyers(1);
    siege.facilitator?.next('settle', { kind: 'refuse', reason: 'insufficient_funds' });
    expect(statusOf(await siege.ask(bytes))).toBe(402);
    expect(await store.countKept()).toBe(before);
  });

  it('take no more memory than their common limit when all are collected at once, and can all be collected in turn', async () => {
    siege.answer((_req, res) => res.end(Buffer.alloc(1000, 'a')));
    const key = generatePrivateKey();
    const collectors = Array.from({ length: CALLS }, (_, index) => async () => {
      const payment = await siege.sign(`/named/${index}`, { key });
      const extensions = { 'payment-identifier': { info: { required: false, id: `purchase-number-${index}` } } };
      return lastRequest(`GET /named/${index}`, [paying({ ...payment, extensions })]);
    });
    for (const collector of collectors) expect(statusOf(await siege.ask(await collector()))).toBe(200);
    expect(await notKept('store')).toBe(0);
    const asked = siege.seen.length;
    const recall = store.recall.bind(store);
    const read = Promise.withResolvers<void>();
    let reading = 0;
    Object.assign(store, {
      recall: async (...args: Parameters<typeof recall>) => {
        reading += 1;
        await read.promise;
        return await recall(...args);
      },
    });
    const requests = await Promise.all(collectors.map((collector) => collector()));
    const answers = requests.map((bytes) => siege.ask(bytes));
    // Each may be as large as the route allows, which is the whole limit.
    const early = await Promise.all(answers.map((answer) => Promise.race([answer, turnedAway(answers, CALLS - 1)])));
    expect(early.filter((answer) => answer === undefined)).toHaveLength(1);
    expect(reading).toBe(1);
    read.resolve();
    Object.assign(store, { recall });
    const statuses = (await Promise.all(answers)).map(statusOf);
    expect(statuses.toSorted()).toEqual([200, ...Array(CALLS - 1).fill(409)]);
    for (const answer of await Promise.all(answers)) expect(answer.all('payment-required')).toEqual([]);
    for (const bytes of requests.filter((_, index) => statuses[index] === 409)) {
      expect(statusOf(await siege.ask(bytes))).toBe(200);
    }
    expect(siege.seen).toHaveLength(asked);
  });

  // The last one: it leaves no room in the store.
  it('take no more of the store than their common limit', async () => {
    siege.answer((_req, res) => res.end(Buffer.alloc(SIZE)));
    for (const bytes of await buyers(4)) expect(statusOf(await siege.ask(bytes))).toBe(200);
    expect(await store.countKept()).toBeLessThanOrEqual(3 * SIZE);
    expect(await notKept('store')).toBeGreaterThan(0);
  });
});

/** Resolves once so many have their answer. */
async function turnedAway(answers: readonly Promise<unknown>[], count: number): Promise<undefined> {
  await new Promise<void>((resolve) => {
    let left = count;
    for (const answer of answers) {
      void answer.then(() => {
        left -= 1;
        if (left === 0) resolve();
      });
    }
  });
  return undefined;
}
