import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import type { Pass, PassId } from '../../../src/domain/pass.ts';
import { openQuota } from '../../../src/pass/process-quota.ts';
import type { Quota, QuotaOutcome, QuotaUnit } from '../../../src/pass/quota.ts';
import type { QuotaStore } from '../../../src/pass/quota-lease.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import type { LeaseRequest, PassStore } from '../../../src/store/passes.ts';
import { HOUR_MS, sale } from '../../contract/pass-sale.ts';
import { type FakeTime, fakeTime } from '../../support/fake-time.ts';

const NOW = 1_800_000_000_000;

let time: FakeTime;
let store: PassStore;
/** What quotas asked the store for. */
let leases: LeaseRequest[];
let looks: number;
/** Whether calls of the store fail, and when. */
let fault: 'none' | 'before' | 'after';
const quotas: Quota[] = [];

const unavailable = (): GatewayError => new GatewayError('store_unavailable');

/** The store as quotas reach it: calls can fail before or after they took place. */
function line(): QuotaStore {
  return {
    async lease(id, request, now) {
      leases.push(request);
      if (fault === 'before') throw unavailable();
      const outcome = await store.lease(id, request, now);
      if (fault === 'after') throw unavailable();
      return outcome;
    },
    async findPass(id) {
      looks += 1;
      if (fault === 'before') throw unavailable();
      return store.findPass(id);
    },
  };
}

function open(mostPasses = 100): Quota {
  const quota = openQuota(line(), { time, mostPasses });
  quotas.push(quota);
  return quota;
}

const bought = (requests = 100, payment = 'one'): Promise<Pass> =>
  store.grant(sale({ requests, payment, version: payment }), time.now());

const quotaOf = async (id: PassId) => (await store.findPass(id))?.quota;

/** Takes a unit, and lets no time pass but what the answer takes. */
async function taken(quota: Quota, id: PassId): Promise<QuotaUnit> {
  const outcome = await quota.take(id);
  if (outcome.kind !== 'taken') throw new Error(outcome.kind);
  return outcome.unit;
}

/** The outcome of a take whose store call has to wait for its turn. */
async function told(quota: Quota, id: PassId): Promise<QuotaOutcome> {
  const outcome = quota.take(id);
  await time.pass(60);
  return outcome;
}

beforeEach(() => {
  time = fakeTime(NOW);
  store = openMemoryLedger(time.now).passes;
  leases = [];
  looks = 0;
  fault = 'none';
});
afterEach(async () => {
  fault = 'none';
  const closed = Promise.all(quotas.splice(0).map((quota) => quota.close()));
  await time.pass(2000);
  await closed;
});

describe('taking requests of a pass', () => {
  it('serves exactly what was bought, with few calls of the store and mostly without a promise', async () => {
    const { id } = await bought(1000);
    const quota = open();
    let atOnce = 0;
    for (let index = 0; index < 1000; index += 1) {
      const outcome = quota.take(id);
      if (!(outcome instanceof Promise)) atOnce += 1;
      expect((await outcome).kind).toBe('taken');
    }
    expect(await told(quota, id)).toEqual({ kind: 'used_up' });
    expect(atOnce).toBeGreaterThan(900);
    expect(leases.length).toBeLessThan(100);
  });

  it('tells how many are left', async () => {
    const { id } = await bought(20);
    const quota = open();
    const remaining: number[] = [];
    for (let index = 0; index < 20; index += 1) remaining.push((await taken(quota, id)).remaining);
    expect(remaining).toEqual(Array.from({ length: 20 }, (_, index) => 19 - index));
  });

  it('asks the store once for all waiting requests', async () => {
    const { id } = await bought(1000);
    const quota = open();
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => quota.take(id)));
    expect(outcomes.every(({ kind }) => kind === 'taken')).toBe(true);
    // The first one asked for itself, when nobody else waited yet.
    expect(leases.map(({ want }) => want).slice(0, 2)).toEqual([1, expect.toSatisfy((want) => want >= 299)]);
    expect(leases.length).toBeLessThan(5);
  });

  it('keeps passes apart', async () => {
    const [one, other] = [await bought(1, 'one'), await bought(1, 'other')];
    const quota = open();
    await taken(quota, one.id);
    expect(await quota.take(one.id)).toEqual({ kind: 'used_up' });
    await taken(quota, other.id);
  });

  it('reports why a pass is gone', async () => {
    const { id } = await bought();
    const quota = open();
    expect(await quota.take('A'.repeat(22) as PassId)).toEqual({ kind: 'gone', why: 'unknown' });
    await store.revokePass(id, NOW);
    expect(await quota.take(id)).toEqual({ kind: 'gone', why: 'revoked' });
  });

  it('takes no leased unit once the pass was revoked or has expired', async () => {
    const [revoked, expired] = [await bought(100, 'revoked'), await bought(100, 'expired')];
    const quota = open();
    for (const { id } of [revoked, expired]) for (let count = 0; count < 5; count += 1) await taken(quota, id);
    quota.revoke(revoked.id);
    expect(quota.take(revoked.id)).toEqual({ kind: 'gone', why: 'revoked' });
    await time.pass(HOUR_MS - 50);
    await taken(quota, expired.id);
    await taken(quota, expired.id);
    const late = quota.take(expired.id);
    expect((await late).kind).toBe('taken');
    await time.pass(50);
    expect(await quota.take(expired.id)).toEqual({ kind: 'gone', why: 'expired' });
  });
});

describe('returning units', () => {
  it('returns units that are idle for a tenth of a second', async () => {
    const { id } = await bought();
    const quota = open();
    for (let count = 0; count < 5; count += 1) await taken(quota, id);
    expect((await quotaOf(id))?.lent).toBeGreaterThan(0);
    await time.pass(99);
    expect((await quotaOf(id))?.lent).toBeGreaterThan(0);
    await time.pass(1);
    expect(await quotaOf(id)).toEqual({ bought: 100, available: 95, lent: 0 });
  });

  it('keeps units in use', async () => {
    const { id } = await bought();
    const quota = open();
    for (let count = 0; count < 20; count += 1) {
      await taken(quota, id);
      await time.pass(60);
    }
    expect(leases.some(({ returned }) => returned > 0)).toBe(false);
    await time.pass(100);
    expect(await quotaOf(id)).toEqual({ bought: 100, available: 80, lent: 0 });
  });

  it('gives an unused unit to the next request, once', async () => {
    const { id } = await bought(1);
    const quota = open();
    const unit = await taken(quota, id);
    unit.giveBack();
    unit.giveBack();
    await taken(quota, id);
    expect(await quota.take(id)).toEqual({ kind: 'used_up' });
  });

  it('returns a unit that was already booked as used', async () => {
    const { id } = await bought(3);
    const quota = open();
    const unit = await taken(quota, id);
    await time.pass(200);
    expect(await quotaOf(id)).toEqual({ bought: 3, available: 2, lent: 0 });
    unit.giveBack();
    await time.pass(200);
    expect(await quotaOf(id)).toEqual({ bought: 3, available: 3, lent: 0 });
  });

  it('gives a unit to a request that waits for it', async () => {
    const { id } = await bought(2);
    const [quota, other] = [open(), open()];
    const unit = await taken(quota, id);
    await taken(other, id);
    const waiting = Promise.resolve(quota.take(id));
    await time.pass(60);
    unit.giveBack();
    expect((await waiting).kind).toBe('taken');
  });

  it('returns the units of a pass that it has no room for', async () => {
    const passes = [];
    for (const payment of ['a', 'b', 'c']) passes.push(await bought(100, payment));
    const quota = open(2);
    const units = [];
    for (const { id } of passes) for (let count = 0; count < 4; count += 1) units.push(await taken(quota, id));
    await time.pass(0);
    expect(await quotaOf(passes[0]!.id)).toEqual({ bought: 100, available: 96, lent: 0 });
    units[0]!.giveBack();
    await time.pass(100);
    expect(await quotaOf(passes[0]!.id)).toEqual({ bought: 100, available: 97, lent: 0 });
  });

  it('returns everything when it closes, and takes nothing after', async () => {
    const [one, other] = [await bought(100, 'one'), await bought(100, 'other')];
    const quota = open();
    for (const { id } of [one, other]) for (let count = 0; count < 4; count += 1) await taken(quota, id);
    await quota.close();
    expect(await quotaOf(one.id)).toEqual({ bought: 100, available: 96, lent: 0 });
    expect(await quotaOf(other.id)).toEqual({ bought: 100, available: 96, lent: 0 });
    await expect(quota.take(one.id)).rejects.toMatchObject({ code: 'shutting_down' });
  });
});

describe('a pass that is used up', () => {
  /** Uses a pass up, and lets everything be booked. */
  async function usedUp(quota: Quota, requests = 3): Promise<PassId> {
    const { id } = await bought(requests);
    for (let count = 0; count < requests; count += 1) await taken(quota, id);
    await time.pass(200);
    return id;
  }

  it('costs a flood of requests no writes and a few reads', async () => {
    const quota = open();
    const id = await usedUp(quota);
    expect(await quota.take(id)).toEqual({ kind: 'used_up' });
    const written = leases.length;
    const outcomes: Promise<QuotaOutcome>[] = [];
    for (let round = 0; round < 100; round += 1) {
      for (let count = 0; count < 20; count += 1) outcomes.push(Promise.resolve(quota.take(id)));
      await time.pass(10);
    }
    await time.pass(100);
    expect(new Set((await Promise.all(outcomes)).map(({ kind }) => kind))).toEqual(new Set(['used_up']));
    expect(leases.length).toBe(written);
    expect(looks).toBeLessThanOrEqual(22);
  });

  it('is good again for the first request after it was extended elsewhere', async () => {
    const quota = open();
    const id = await usedUp(quota);
    for (let count = 0; count < 3; count += 1) expect(await told(quota, id)).toEqual({ kind: 'used_up' });
    await store.grant(sale({ payment: 'more', requests: 2, version: 'one' }), time.now());
    expect((await told(quota, id)).kind).toBe('taken');
  });

  it('waits for units that another process brings back', async () => {
    const { id } = await bought(10);
    const [quota, other] = [open(), open()];
    const units = [];
    for (let count = 0; count < 10; count += 1) units.push(await taken(other, id));
    const waiting = Promise.resolve(quota.take(id));
    await time.pass(0);
    units[0]!.giveBack();
    await time.pass(300);
    expect((await waiting).kind).toBe('taken');
    await time.pass(300);
    expect(await quotaOf(id)).toEqual({ bought: 10, available: 0, lent: 0 });
  });

  it('waits a second for units of a process that was killed, and from then on no longer', async () => {
    const { id } = await bought(10);
    await store.lease(id, { want: 10, spent: 0, returned: 0 }, NOW);
    const quota = open();
    let refused = 0;
    const take = (): void => {
      void Promise.resolve(quota.take(id)).then(({ kind }) => {
        if (kind === 'used_up') refused += 1;
      });
    };
    take();
    await time.pass(990);
    expect(refused).toBe(0);
    await time.pass(60);
    expect(refused).toBe(1);
    take();
    await time.pass(50);
    expect(refused).toBe(2);
  });
});

describe('a store that fails', () => {
  it('refuses a request without a leased unit, and serves from leased units', async () => {
    const { id } = await bought();
    const quota = open();
    fault = 'before';
    await expect(quota.take(id)).rejects.toMatchObject({ code: 'store_unavailable' });
    fault = 'none';
    for (let count = 0; count < 4; count += 1) await taken(quota, id);
    fault = 'before';
    expect((await quota.take(id)).kind).toBe('taken');
  });

  it('brings units back when the store is there again', async () => {
    const { id } = await bought();
    const quota = open();
    for (let count = 0; count < 4; count += 1) await taken(quota, id);
    fault = 'before';
    await time.pass(5000);
    expect((await quotaOf(id))?.lent).toBeGreaterThan(0);
    fault = 'none';
    await time.pass(1000);
    expect(await quotaOf(id)).toEqual({ bought: 100, available: 96, lent: 0 });
  });

  it('does not use units whose return may have been booked', async () => {
    const { id } = await bought(20);
    const quota = open();
    const units = [];
    for (let count = 0; count < 5; count += 1) units.push(await taken(quota, id));
    fault = 'after';
    await time.pass(150);
    expect(await quotaOf(id)).toEqual({ bought: 20, available: 15, lent: 0 });
    // And one that comes back when all were booked as used.
    units[0]!.giveBack();
    await time.pass(150);
    expect(await quotaOf(id)).toEqual({ bought: 20, available: 16, lent: 0 });
    fault = 'none';
    let served = 0;
    for (; served < 30 && (await told(quota, id)).kind === 'taken'; served += 1);
    expect(served).toBe(16);
  });

  it.each([
    'before',
    'after',
  ] as const)('never serves a unit twice when a call fails %s it took place', async (when) => {
    const { id } = await bought(200);
    const [quota, other] = [open(), open()];
    const units: QuotaUnit[] = [];
    const settleOne = (outcome: QuotaOutcome): void => {
      if (outcome.kind === 'taken') units.push(outcome.unit);
    };
    let givenBack = 0;
    for (let round = 0; round < 120; round += 1) {
      fault = round % 7 === 3 ? when : 'none';
      for (let count = 0; count < 6; count += 1) {
        void Promise.resolve([quota, other][count % 2]!.take(id)).then(settleOne, () => undefined);
      }
      await time.pass(0);
      fault = round % 11 === 5 ? when : 'none';
      if (round % 5 === 0 && units.length > givenBack) units[givenBack++]!.giveBack();
      await time.pass(round % 4 === 0 ? 150 : 20);
    }
    const served = units.length - givenBack;
    fault = 'none';
    await time.pass(2000);
    const { bought: all, available, lent } = (await quotaOf(id))!;
    expect(served).toBeLessThanOrEqual(all - available);
    expect(lent).toBeGreaterThanOrEqual(0);
    expect(served).toBeGreaterThan(100);
  });
});

describe('a clock that is put back', () => {
  const MINUTES_MS = 1_200_000;
  let backMs: number;

  function openClocked(): Quota {
    const quota = openQuota(line(), { time: { now: () => time.now() - backMs, after: time.after }, mostPasses: 100 });
    quotas.push(quota);
    return quota;
  }

  beforeEach(() => {
    backMs = 0;
  });

  it('keeps no request waiting for a pass that is used up', async () => {
    const { id } = await bought(1);
    const quota = openClocked();
    await taken(quota, id);
    expect(await told(quota, id)).toEqual({ kind: 'used_up' });
    backMs = MINUTES_MS;
    expect(await told(quota, id)).toEqual({ kind: 'used_up' });
  });

  it('returns idle units as soon as ever', async () => {
    const { id } = await bought(100);
    const quota = openClocked();
    for (let unit = 0; unit < 5; unit += 1) await taken(quota, id);
    backMs = MINUTES_MS;
    await time.pass(300);
    expect(await quotaOf(id)).toMatchObject({ available: 95, lent: 0 });
  });

  it('lets a request wait no longer for units of a process that was killed', async () => {
    const { id } = await bought(1);
    await store.lease(id, { want: 1, spent: 0, returned: 0 }, time.now());
    const quota = openClocked();
    const outcome = quota.take(id);
    await time.pass(100);
    backMs = MINUTES_MS;
    await time.pass(2000);
    expect(await outcome).toEqual({ kind: 'used_up' });
  });
});
