import { execFileSync, spawnSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { renderTogether } from '../../src/observe/metrics.ts';
import { signFor, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { planOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Sample, scrape, scrapeText, sumOf } from '../support/metrics.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let unsettled: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([
    startDevnet(),
    startUpstream((req, res) => {
      res.statusCode = req.url === '/weather/nowhere' ? 404 : 200;
      res.end('{}');
    }),
  ]);
  const routes = `routes:
  - { path: /free/*, price: free, name: free }
  - { path: /weather/:city, price: $0.001, name: weather }
  - { path: /later, price: $0.001, name: later, settle: deferred }
`;
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}${routes}`);
  // Its settling key has no money for gas: it verifies nothing and settles nothing.
  const broke = settings(devnet, upstream.url).replace(devnet.accounts.settler.key, `0x${'42'.repeat(32)}`);
  unsettled = await startTestGateway(`${broke}${routes}`);
});

afterAll(async () => {
  await Promise.all([gateway.close(), unsettled.close()]);
  await Promise.all([devnet.close(), upstream.close()]);
});

/** What a name's samples grew by while something was done. */
async function growth(of: TestGateway, act: () => Promise<unknown>) {
  const before = await scrape(of.adminUrl);
  await act();
  // Whatever is counted when an answer is over is counted after the client has it.
  return async (name: string, labels: Sample['labels'], by: number): Promise<void> => {
    await vi.waitFor(async () => {
      const after = await scrape(of.adminUrl);
      expect(sumOf(after, name, labels) - sumOf(before, name, labels), name).toBe(by);
    }, 5_000);
  };
}

describe('metrics', () => {
  it('follow a paid call from its price to its revenue', async () => {
    const buyer = await freshPayer(devnet);
    const grew = await growth(gateway, async () => {
      const response = await stockFetch(buyer.key)(`${gateway.url}/weather/oslo`);
      expect(response.status).toBe(200);
    });
    const route = 'weather';
    const { network } = devnet;
    await grew('turnpike_requests_total', { route, outcome: 'refused', code: 'payment_required' }, 1);
    await grew('turnpike_requests_total', { route, outcome: 'paid', code: 'none' }, 1);
    await grew(
      'turnpike_payments_total',
      { route, network, scheme: 'exact', protocol: 'x402 v2', outcome: 'settled' },
      1,
    );
    await grew('turnpike_revenue_atomic_total', { route, network, asset: devnet.usdc }, 1000);
    await grew('turnpike_settlement_duration_seconds_count', { network }, 1);
    await grew('turnpike_facilitator_requests_total', { operation: 'verify', outcome: 'valid' }, 1);
    await grew('turnpike_facilitator_requests_total', { operation: 'settle', outcome: 'settled' }, 1);
    await grew('turnpike_facilitator_duration_seconds_count', { operation: 'settle' }, 1);
    await grew('turnpike_request_duration_seconds_count', { route }, 2);
    await grew('turnpike_gateway_overhead_seconds_count', { route }, 2);
    await grew('turnpike_upstream_duration_seconds_count', { route }, 1);
  });

  it('have a zero, from which reports of money rise, before the first payment of each offer and after a reload', async () => {
    const { network, usdc: asset } = devnet;
    const [scheme, protocol] = ['exact', 'x402 v2'];
    const valuesOf = async (name: string, labels: Sample['labels']): Promise<readonly number[]> =>
      (await scrape(unsettled.adminUrl))
        .filter((sample) => sample.name === name && isDeepStrictEqual(sample.labels, labels))
        .map(({ value }) => value);
    for (const route of ['weather', 'later']) {
      expect(await valuesOf('turnpike_revenue_atomic_total', { route, network, asset })).toEqual([0]);
      const settled = { route, network, scheme, protocol, outcome: 'settled' };
      expect(await valuesOf('turnpike_payments_total', settled)).toEqual([0]);
    }
    const defaulted = { network, scheme, protocol, outcome: 'defaulted' };
    expect(await valuesOf('turnpike_payments_total', { route: 'later', ...defaulted })).toEqual([0]);
    expect(await valuesOf('turnpike_payments_total', { route: 'weather', ...defaulted })).toEqual([]);

    const text = `listen: 127.0.0.1:0\n${settings(devnet, upstream.url)}routes: [{ path: /new, price: $1, name: new }]\n`;
    await unsettled.reload(await planOf(text), new Map());
    expect(await valuesOf('turnpike_revenue_atomic_total', { route: 'new', network, asset })).toEqual([0]);
    await unsettled.reload(unsettled.plan, new Map());
  });

  it('count an uncharged payment as released, without revenue', async () => {
    const buyer = await freshPayer(devnet);
    const header = await signFor(devnet, buyer, `${gateway.url}/weather/nowhere`);
    const grew = await growth(gateway, async () => {
      const response = await fetch(`${gateway.url}/weather/nowhere`, { headers: { 'PAYMENT-SIGNATURE': header } });
      expect(response.status).toBe(404);
    });
    await grew('turnpike_payments_total', { route: 'weather', outcome: 'released' }, 1);
    await grew('turnpike_payments_total', { route: 'weather', outcome: 'settled' }, 0);
    await grew('turnpike_revenue_atomic_total', {}, 0);
  });

  it('name the public code of a facilitator fault', async () => {
    const buyer = await freshPayer(devnet);
    const header = await signFor(devnet, buyer, `${unsettled.url}/weather/oslo`);
    const grew = await growth(unsettled, async () => {
      const response = await fetch(`${unsettled.url}/weather/oslo`, { headers: { 'PAYMENT-SIGNATURE': header } });
      expect(response.status).toBe(503);
    });
    const labels = { operation: 'verify', outcome: 'facilitator_overloaded' };
    await grew('turnpike_facilitator_requests_total', labels, 1);
  });

  it('show the connections that are open, and open settlements even where there are none', async () => {
    await (await fetch(`${gateway.url}/free/x`)).text();
    const samples = await scrape(gateway.adminUrl);
    expect(sumOf(samples, 'turnpike_connections_open')).toBeGreaterThan(0);
    const states = samples
      .filter(({ name }) => name === 'turnpike_settlements_open')
      .map(({ labels }) => labels['state']);
    expect(states.sort()).toEqual(['owed', 'settling', 'unknown']);
  });

  it(
    'get no series from requests: ten thousand paths, methods and headers add none',
    { timeout: 120_000 },
    async () => {
      const series = (samples: readonly Sample[]): string[] =>
        samples
          .filter(({ name }) => name.startsWith('turnpike_'))
          // The payments of the tests before are looked at once more a minute after they were settled.
          .filter(({ labels }) => labels['operation'] !== 'resolve')
          .map(({ name, labels }) => name + JSON.stringify(labels))
          .sort();
      const kinds: ((n: number) => [string, RequestInit])[] = [
        (n) => [`/free/${n}`, {}],
        (n) => [`/weather/${n}`, {}],
        (n) => [`/nowhere/${n}`, {}],
        (n) => [`/weather/x?q=${n}`, { method: 'POST', headers: { 'PAYMENT-SIGNATURE': `x${n}` } }],
        (n) => [`/free/%zz${n}`, { headers: { Origin: `https://${n}.example` } }],
      ];
      const round = async (from: number, count: number): Promise<void> => {
        await Promise.all(
          Array.from({ length: count }, async (_, index) => {
            const [path, init] = kinds[index % kinds.length]?.(from + index) ?? ['/', {}];
            await (await fetch(gateway.url + path, init)).arrayBuffer();
          }),
        );
      };
      await round(0, 50);
      await vi.waitFor(async () =>
        expect(
          sumOf(await scrape(gateway.adminUrl), 'turnpike_requests_total', { route: 'unmatched' }),
        ).toBeGreaterThan(9),
      );
      const before = series(await scrape(gateway.adminUrl));
      for (let from = 100; from < 10_100; from += 100) await round(from, 100);
      expect(series(await scrape(gateway.adminUrl))).toEqual(before);
    },
  );

  it.skipIf(!hasPromtool())('are clean to promtool (skipped where it is not installed)', async () => {
    expect(promtool(await scrapeText(gateway.adminUrl))).toEqual({ status: 0, said: '' });
  });

  it.skipIf(!hasPromtool())('are clean to promtool as those of several processes, too (skipped likewise)', async () => {
    const snapshots = await Promise.all([gateway, unsettled].map(({ metrics }) => metrics.snapshot()));
    expect(promtool((await renderTogether(snapshots)).body)).toEqual({ status: 0, said: '' });
  });

  it('name no gauge like a counter', async () => {
    const types = (await scrapeText(gateway.adminUrl)).matchAll(/^# TYPE (\S+) (\S+)$/gm);
    const misnamed = [...types].filter(([, name = '', type]) => name.endsWith('_total') !== (type === 'counter'));
    expect(misnamed).toEqual([]);
  });
});

/** What Prometheus' own checker says of metrics. */
function promtool(text: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
