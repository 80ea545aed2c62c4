import { describe, expect, it } from 'vitest';
import { requestHead } from '../../../src/domain/request-head.ts';
import type { Route } from '../../../src/domain/route.ts';
import type { Runtime } from '../../../src/pipeline/runtime.ts';
import { isShadowed } from '../../../src/pipeline/shadow.ts';
import { compileTrustedPeers } from '../../../src/proxy/trusted-peers.ts';
import { planOf } from '../../support/gateway.ts';

const CLIENTS = Array.from({ length: 2000 }, (_, client) => `10.1.${client >> 8}.${client & 255}`);

async function routeCharging(share: string): Promise<Route> {
  const { routes } = await planOf(`upstream: http://127.0.0.1:1
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example
routes: [{ path: /, price: $1, enforce: ${share} }]
`);
  const [route] = routes;
  if (route === undefined) throw new Error('no route');
  return route;
}

/** The clients that a route charges. */
function charged(route: Route): Set<string> {
  const runtime = { trustedPeers: compileTrustedPeers([]) } as Runtime;
  return new Set(
    CLIENTS.filter(
      (remoteAddress) =>
        !isShadowed({ head: requestHead({ method: 'GET', target: '/', peer: remoteAddress }, []), runtime }, route),
    ),
  );
}

describe('the share of clients that a route charges', () => {
  it('is about as large as it says', async () => {
    expect(charged(await routeCharging('off')).size).toBe(0);
    expect(charged(await routeCharging('0%')).size).toBe(0);
    expect(charged(await routeCharging('100%')).size).toBe(CLIENTS.length);
    const quarter = charged(await routeCharging('25%')).size / CLIENTS.length;
    expect(quarter).toBeGreaterThan(0.2);
    expect(quarter).toBeLessThan(0.3);
  });

  it('only adds clients when it grows', async () => {
    const [few, more, most] = [await routeCharging('5%'), await routeCharging('40%'), await routeCharging('90%')].map(
      charged,
    );
    expect([...(few ?? [])].filter((client) => more?.has(client) !== true)).toEqual([]);
    expect([...(more ?? [])].filter((client) => most?.has(client) !== true)).toEqual([]);
    expect(few?.size).toBeGreaterThan(0);
  });
});
