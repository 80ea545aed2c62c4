import { describe, expect, it } from 'vitest';
import type { Route } from '../../../src/domain/route.ts';
import { RecentOffers } from '../../../src/server/recent-offers.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import { planOf } from '../../support/gateway.ts';

async function routesAt(price: string): Promise<readonly Route[]> {
  const { routes } = await planOf(`upstream: http://127.0.0.1:1
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [{ network: base, maxTimeoutSeconds: 60 }]
facilitator: https://facilitator.example
routes: [{ path: /, price: ${price}, name: one, timeout: 1s }]
`);
  return routes;
}

function amounts(recent: RecentOffers, now: number): readonly bigint[] {
  return recent.of('one', now).map(({ amount }) => amount);
}

describe('prices of other plans', () => {
  it('are honoured for the lifetime of the quote after the last request that may have stated them', async () => {
    let now = 1_000_000;
    const recent = new RecentOffers(openMemoryLedger(), await routesAt('$0.001'), () => now);
    const over = recent.replace(await routesAt('$0.002'));
    now += 5000;
    over();
    expect(amounts(recent, now + 60_000)).toEqual([1000n]);
    expect(amounts(recent, now + 60_001)).toEqual([]);
  });

  it('are honoured no longer than two minutes and the lifetime when such a request never ends', async () => {
    const now = 1_000_000;
    const recent = new RecentOffers(openMemoryLedger(), await routesAt('$0.001'), () => now);
    recent.replace(await routesAt('$0.002'));
    expect(amounts(recent, now + 180_000)).toEqual([1000n]);
    expect(amounts(recent, now + 180_001)).toEqual([]);
  });

  it('are found in the store when another process announced them, before it states them', async () => {
    const store = openMemoryLedger();
    const now = 1_000_000;
    const [old, next] = [await routesAt('$0.001'), await routesAt('$0.002')];
    const here = new RecentOffers(store, old, () => now);
    const there = new RecentOffers(store, old, () => now);
    await there.announce(next);
    expect(amounts(here, now)).toEqual([]);
    await Promise.all([here.lookUp(), here.lookUp()]);
    expect(amounts(here, now)).toEqual([2000n]);
  });

  it('are still known after a restart that comes right after the change', async () => {
    const store = openMemoryLedger();
    const now = 1_000_000;
    const first = new RecentOffers(store, await routesAt('$0.001'), () => now);
    first.replace(await routesAt('$0.002'));
    await first.remember();
    const second = new RecentOffers(store, await routesAt('$0.003'), () => now + 1000);
    (await second.recall())();
    expect([...amounts(second, now + 1000)].sort()).toEqual([1000n, 2000n]);
  });
});
