import { describe, expect, it } from 'vitest';
import type { RemoteFacilitatorSpec } from '../../../src/domain/facilitator-spec.ts';
import type { Network } from '../../../src/domain/network.ts';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import type { Facilitator } from '../../../src/facilitator/facilitator.ts';
import { FacilitatorLeases } from '../../../src/server/facilitator-leases.ts';

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

function leasesWith(open: { name: string }[]) {
  const closed: string[] = [];
  const world = { now: 0 };
  const never = (): Promise<never> => Promise.reject(new Error('nobody is asked here'));
  const leases = new FacilitatorLeases({
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
  return { leases, closed, world };
}

describe('the facilitators of a process', () => {
  it('include one that no plan names until no open payment needs it', async () => {
    const open = [{ name: 'old' }];
    const { leases, closed, world } = leasesWith(open);
    const old = leases.lease(spec('old'));
    leases.putInForce([spec('old')]);
    leases.lease(spec('new'));
    leases.putInForce([spec('new')]);
    await leases.release(spec('old'));
    world.now = 200_000;
    await leases.sweep();
    expect([leases.find('old', BASE), closed]).toEqual([old, []]);
    open.length = 0;
    world.now = 300_000;
    await leases.sweep();
    expect([leases.find('old', BASE), closed]).toEqual([undefined, ['old']]);
  });

  it('use one with new settings for payments of the earlier one of the same name', async () => {
    const { leases } = leasesWith([]);
    leases.lease(spec('same'));
    leases.putInForce([spec('same')]);
    const next = leases.lease(spec('same', 5000));
    expect(leases.find('same', BASE)).not.toBe(next);
    leases.putInForce([spec('same', 5000)]);
    expect(leases.find('same', BASE)).toBe(next);
  });

  it('share one among plans with the same settings, and close one at once that never came into force', async () => {
    const { leases, closed } = leasesWith([]);
    expect(leases.lease(spec('shared'))).toBe(leases.lease(spec('shared')));
    leases.putInForce([spec('shared')]);
    await leases.release(spec('shared'));
    leases.lease(spec('refused'));
    await leases.release(spec('refused'));
    expect(closed).toEqual(['refused']);
  });

  it('keep no more than sixteen that no plan names', async () => {
    const { leases, closed } = leasesWith([]);
    for (let count = 0; count < 20; count += 1) {
      leases.lease(spec(`host-${count}`));
      leases.putInForce([spec(`host-${count}`)]);
      await leases.release(spec(`host-${count}`));
    }
    await leases.sweep();
    expect(closed).toEqual(['host-0', 'host-1', 'host-2', 'host-3']);
  });
});
