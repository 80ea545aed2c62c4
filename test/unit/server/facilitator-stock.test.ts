import { describe, expect, it } from 'vitest';
import type { RemoteFacilitatorSpec } from '../../../src/domain/facilitator-spec.ts';
import type { Network } from '../../../src/domain/network.ts';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import type { Facilitator } from '../../../src/facilitator/facilitator.ts';
import { FacilitatorStock } from '../../../src/server/facilitator-stock.ts';

const BASE = 'eip155:8453' as Network;

function spec(name: string, verifyTimeoutMs = 1000): RemoteFacilitatorSpec {
  const url = `https://${name}`;
  return {
    kind: 'remote',
    name,
    url,
    headers: [],
    verifyTimeoutMs,
    settleTimeoutMs: 1000,
    cdp: undefined,
    rpc: new Map(),
  };
}

function stockWith(open: { name: string }[]) {
  const closed: string[] = [];
  const world = { now: 0 };
  const never = (): Promise<never> => Promise.reject(new Error('nobody is asked here'));
  const stock = new FacilitatorStock({
    open: ({ name }): Facilitator => ({
      name,
      supported: never,
      verify: never,
      settle: never,
      resolve: never,
      close: async () => void closed.push(name),
    }),
    books: { list: async () => open.map(({ name }) => ({ facilitator: name, network: BASE }) as PaymentRecord) },
    trouble: () => {},
    clock: () => world.now,
  });
  return { stock, closed, world };
}

describe('the facilitators of a process', () => {
  it('keep one that no plan names until no open payment needs it', async () => {
    const open = [{ name: 'old' }];
    const { stock, closed, world } = stockWith(open);
    const old = stock.lease(spec('old'));
    stock.putInForce([spec('old')]);
    stock.lease(spec('new'));
    stock.putInForce([spec('new')]);
    await stock.release(spec('old'));
    world.now = 200_000;
    await stock.sweep();
    expect([stock.find('old', BASE), closed]).toEqual([old, []]);
    open.length = 0;
    world.now = 300_000;
    await stock.sweep();
    expect([stock.find('old', BASE), closed]).toEqual([undefined, ['old']]);
  });

  it('have one of the same name with other settings asked about payments of the one before', async () => {
    const { stock } = stockWith([]);
    stock.lease(spec('same'));
    stock.putInForce([spec('same')]);
    const next = stock.lease(spec('same', 5000));
    expect(stock.find('same', BASE)).not.toBe(next);
    stock.putInForce([spec('same', 5000)]);
    expect(stock.find('same', BASE)).toBe(next);
  });

  it('share one among plans that say the same of it, and close one at once that never came into force', async () => {
    const { stock, closed } = stockWith([]);
    expect(stock.lease(spec('shared'))).toBe(stock.lease(spec('shared')));
    stock.putInForce([spec('shared')]);
    await stock.release(spec('shared'));
    stock.lease(spec('refused'));
    await stock.release(spec('refused'));
    expect(closed).toEqual(['refused']);
  });

  it('keep no more than sixteen that no plan names', async () => {
    const { stock, closed } = stockWith([]);
    for (let count = 0; count < 20; count += 1) {
      stock.lease(spec(`host-${count}`));
      stock.putInForce([spec(`host-${count}`)]);
      await stock.release(spec(`host-${count}`));
    }
    await stock.sweep();
    expect(closed).toEqual(['host-0', 'host-1', 'host-2', 'host-3']);
  });
});
