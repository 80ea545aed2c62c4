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

  it('take no more memory than there is for all of them, and are delivered all the same', async () => {
    // The head first, and the body when all calls are there: all of it is held at the same time.
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

  it('take no room when their payment moved no money', async () => {
    siege.answer((_req, res) => res.end(Buffer.alloc(1000)));
    const [bytes = ''] = await buyers(1);
    siege.facilitator?.next('settle', { kind: 'refuse', reason: 'insufficient_funds' });
    expect(statusOf(await siege.ask(bytes))).toBe(402);
    expect(await store.countKept()).toBe(before);
  });

  it('take no more of the store than there is for all of them', async () => {
    siege.answer((_req, res) => res.end(Buffer.alloc(SIZE)));
    for (const bytes of await buyers(4)) expect(statusOf(await siege.ask(bytes))).toBe(200);
    expect(await store.countKept()).toBeLessThanOrEqual(3 * SIZE);
    expect(await notKept('store')).toBeGreaterThan(0);
  });
});
