import { beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { UseCounter, type UseOutcome } from '../../../src/pass/use-counter.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import type { Uses } from '../../../src/store/uses.ts';

const NOON = Date.UTC(2027, 0, 15, 12);
const DAY_MS = 86_400_000;
const LIMIT = { requests: 2, perMs: DAY_MS };
const CLIENT = { of: ['news', 'free'], by: '192.0.2.1' };

let now: number;
let uses: Uses;
let asked: number;
let away: boolean;
let counter: UseCounter;

beforeEach(() => {
  now = NOON;
  asked = 0;
  away = false;
  ({ uses } = openMemoryLedger(() => now));
  counter = new UseCounter(watched(), () => now);
});

function watched(): Uses {
  return {
    takeUses(window, most, want) {
      asked += 1;
      return away ? Promise.reject(new GatewayError('store_unavailable')) : uses.takeUses(window, most, want);
    },
    returnUse: (window) => (away ? Promise.reject(new GatewayError('store_unavailable')) : uses.returnUse(window)),
    pruneUses: (before, limit) => uses.pruneUses(before, limit),
  };
}

const take = async (): Promise<UseOutcome> => await counter.take(CLIENT, LIMIT);

describe('uses of a client', () => {
  it('are limited in number, and report when all are available again', async () => {
    expect(await take()).toMatchObject({ kind: 'taken', remaining: 1, resetMs: DAY_MS / 2 });
    expect(await take()).toMatchObject({ kind: 'taken', remaining: 0 });
    expect(await take()).toEqual({ kind: 'used_up', resetMs: DAY_MS / 2 });
  });

  it('are available again when the day is over, in UTC', async () => {
    for (let count = 0; count < 3; count += 1) await take();
    now = Date.UTC(2027, 0, 15, 23, 59, 59, 999);
    expect(await take()).toEqual({ kind: 'used_up', resetMs: 1 });
    now += 1;
    expect(await take()).toMatchObject({ kind: 'taken', remaining: 1, resetMs: DAY_MS });
  });

  it('that are used up cause no store call for some seconds, however many requests come', async () => {
    for (let count = 0; count < 3; count += 1) await take();
    asked = 0;
    for (let count = 0; count < 100; count += 1) await take();
    expect(asked).toBe(0);
    now += 5_000;
    await take();
    expect(asked).toBe(1);
  });

  it('that are given back can be taken at once, each once', async () => {
    const [first] = [await take(), await take(), await take()];
    if (first?.kind !== 'taken') throw new Error('nothing was taken');
    first.giveBack();
    first.giveBack();
    expect(await take()).toMatchObject({ kind: 'taken', remaining: 0 });
    expect((await take()).kind).toBe('used_up');
  });

  it('are none while the store is away, and are asked for again when it is back', async () => {
    const first = await take();
    away = true;
    expect(await take()).toMatchObject({ kind: 'unavailable' });
    if (first.kind === 'taken') first.giveBack();
    away = false;
    expect(await take()).toMatchObject({ kind: 'taken', remaining: 0 });
  });

  it('of simultaneous requests need two store calls, and exactly the available number is given out', async () => {
    const limit = { ...LIMIT, requests: 20 };
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => counter.take(CLIENT, limit)));
    const left = outcomes.flatMap((each) => (each.kind === 'taken' ? [each.remaining] : []));
    expect(left).toEqual(Array.from({ length: 20 }, (_, index) => 19 - index));
    expect([outcomes.filter(({ kind }) => kind === 'used_up').length, asked]).toEqual([30, 2]);
  });

  it('do not depend on what other clients, and other routes, use', async () => {
    for (let count = 0; count < 3; count += 1) await take();
    expect(await counter.take({ ...CLIENT, by: '192.0.2.2' }, LIMIT)).toMatchObject({ remaining: 1 });
    expect(await counter.take({ ...CLIENT, of: ['weather', 'free'] }, LIMIT)).toMatchObject({ remaining: 1 });
  });
});
