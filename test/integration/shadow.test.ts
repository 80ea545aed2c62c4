import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { type LogLine, planOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Routes that do not charge everybody. */

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let gateway: TestGateway;
/** The same routes, charging everybody: where payments are quoted. */
let charging: TestGateway;

const ROUTES = `
routes:
  - { path: /off, price: $0.001, name: off }
  - { path: /broken, price: $0.001, name: broken }
  - { path: /half/*, price: $0.001, name: half, enforce: 50% }
  - { path: /all, price: $0.001, name: all, enforce: 100% }
`;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([
    startDevnet(),
    startUpstream((req, res) => {
      req.resume();
      res.statusCode = req.url === '/broken' ? 500 : 200;
      res.setHeader('Cache-Control', 'public, max-age=60').end('the answer');
    }),
  ]);
  buyer = await freshPayer(devnet);
  const top = settings(devnet, upstream.url);
  gateway = await startTestGateway(`${top}enforce: off\ntrustedProxies: [127.0.0.0/8]${ROUTES}`);
  charging = await startTestGateway(`${top}publicUrl: ${gateway.url}${ROUTES}`);
});

afterAll(async () => {
  await Promise.all([gateway.close(), charging.close()]);
  await Promise.all([devnet.close(), upstream.close()]);
});

/** The log line of the last request; it is written when the answer is out. */
async function lineOf(path: string): Promise<LogLine> {
  return await expect
    .poll(() => gateway.log.findLast((line) => line['path'] === path))
    .toBeDefined()
    .then(() => gateway.log.findLast((line) => line['path'] === path) ?? {});
}

async function metric(start: string): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(start));
  return Number(line?.split(' ').at(-1) ?? 0);
}

describe('a route with enforce: off', () => {
  it('serves a request without payment, and notes what it would have cost', async () => {
    const response = await fetch(`${gateway.url}/off`);
    expect([response.status, await response.text()]).toEqual([200, 'the answer']);
    expect(response.headers.get('payment-required')).toBeNull();
    expect(await lineOf('/off')).toMatchObject({
      outcome: 'shadow',
      decision: 'payment_required',
      wouldCharge: { network: devnet.network, asset: devnet.usdc, amount: '1000' },
    });
    expect(await metric('turnpike_shadow_total{route="off",decision="payment_required"}')).toBe(1);
    expect(await metric('turnpike_shadow_revenue_atomic_total{route="off"')).toBe(1000);
  });

  it('keeps its answers out of shared caches, which would serve them to clients that are charged', async () => {
    expect((await fetch(`${gateway.url}/off`)).headers.get('cache-control')).toBe('private, max-age=60');
  });

  it('checks a payment that is brought, does not charge it, and keeps it from the API', async () => {
    const header = await signFor(devnet, buyer, `${charging.url}/off`);
    const before = await devnet.usdcBalanceOf(buyer.address);
    const response = await fetch(`${gateway.url}/off`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(response.status).toBe(200);
    expect(response.headers.get('payment-response')).toBeNull();
    const names = upstream.seen.at(-1)?.rawHeaders.map((name) => name.toLowerCase()) ?? [];
    expect(names.filter((name) => /^(?:payment|x-payment|x402)/.test(name))).toEqual([]);
    await expect.poll(() => metric('turnpike_shadow_total{route="off",decision="paid"}')).toBe(1);
    expect(gateway.log.findLast(({ decision }) => decision === 'paid')).toMatchObject({
      outcome: 'shadow',
      payer: buyer.address.toLowerCase(),
      wouldCharge: { amount: '1000' },
    });
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before);
    // It was neither claimed nor used up: where everybody is charged it still pays.
    const paid = await fetch(`${charging.url}/off`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(paid.status).toBe(200);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before - 1000n);
  });

  it('notes what a bad payment would have been answered', async () => {
    const send = (value: string) => fetch(`${gateway.url}/off`, { headers: { 'PAYMENT-SIGNATURE': value } });
    expect((await send('?')).status).toBe(200);
    expect((await send('A, B')).status).toBe(200);
    await expect.poll(() => metric('turnpike_shadow_total{route="off",decision="payment_malformed"}')).toBe(1);
    await expect.poll(() => metric('turnpike_shadow_total{route="off",decision="payment_header_repeated"}')).toBe(1);
  });

  it('counts no revenue for calls that fail, which cost nothing either', async () => {
    expect((await fetch(`${gateway.url}/broken`)).status).toBe(500);
    await expect.poll(() => metric('turnpike_shadow_total{route="broken"')).toBe(1);
    expect(await metric('turnpike_shadow_revenue_atomic_total{route="broken"')).toBe(0);
  });

  it('lets nothing through that is refused for another reason than money', async () => {
    const seen = upstream.seen.length;
    const port = Number(new URL(gateway.url).port);
    const raw = await exchangeRaw(port, 'GET //off HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(raw.statusLine).toContain(' 400 ');
    expect((await fetch(`${gateway.url}/unknown`)).status).toBe(404);
    expect(upstream.seen).toHaveLength(seen);
  });

  it('leaves a route alone that charges everybody', async () => {
    expect((await fetch(`${gateway.url}/all`)).status).toBe(402);
  });

  it('says so on the readiness page', async () => {
    const { checks } = (await (await fetch(`${gateway.adminUrl}/readyz`)).json()) as { checks: { name: string }[] };
    expect(checks.find(({ name }) => name === 'enforcement')).toEqual({
      name: 'enforcement',
      scope: 'process',
      ready: true,
      detail:
        'shadow mode: 3 of 4 priced routes let clients through free of charge: off (enforce: off), broken (enforce: off), half (enforce: 50%)',
    });
  });
});

describe('a route that charges a share of the clients', () => {
  const ask = async (client: string, path: string): Promise<number> => {
    const response = await fetch(`${gateway.url}${path}`, { headers: { 'X-Forwarded-For': client } });
    await response.arrayBuffer();
    return response.status;
  };

  it('always decides the same for one client, whatever it asks for and however often', async () => {
    const statuses = new Set<string>();
    for (let client = 1; client <= 20; client += 1) {
      const address = `192.0.2.${client}`;
      const answers = [
        await ask(address, '/half/one'),
        await ask(address, '/half/two'),
        await ask(address, '/half/one'),
      ];
      expect(new Set(answers).size).toBe(1);
      statuses.add(String(answers[0]));
    }
    expect([...statuses].sort()).toEqual(['200', '402']);
  });

  it('takes the clients of one IPv6 network for one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, client) => ask(`2001:db8:0:7::${client + 1}`, '/half/one')),
    );
    expect(new Set(answers).size).toBe(1);
  });
});

describe('the configuration of enforce', () => {
  const top = 'upstream: http://127.0.0.1:1\nstore: memory\n';

  it.each(['50', '101%', '1.5%', '-1%', 'on', '""'])('refuses %s', async (share) => {
    await expect(planOf(`${top}enforce: ${share}\nroutes: [{ path: /, price: free }]\n`)).rejects.toThrow('enforce: ');
  });

  it('refuses it on a free route, where it has no effect', async () => {
    const text = `${top}routes: [{ path: /, price: free, enforce: off }]\n`;
    await expect(planOf(text)).rejects.toThrow('enforce has no effect on a free route');
  });
});
