import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPost } from '../../src/webhook/post.ts';
import { settlementOf, stockFetch } from '../support/buyer.ts';
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** The names below `.test` lead nowhere but through the proxy. */

let devnet: Devnet;
let upstream: TestUpstream;
let facilitator: ScriptedFacilitator;
let proxy: ConnectProxy;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  [devnet, upstream, facilitator] = await Promise.all([startDevnet(), startUpstream(), startScriptedFacilitator()]);
  const portOf = (url: string): number => Number(new URL(url).port);
  proxy = await startConnectProxy({
    'facilitator.test': portOf(facilitator.url),
    'node.test': portOf(devnet.rpcUrl),
    'hooks.test': portOf(upstream.url),
  });
});
afterEach(async () => {
  proxy.refuse(undefined);
  await gateway?.close();
  gateway = undefined;
});
afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close(), facilitator.close(), proxy.close()]);
});

const ROUTES = 'routes: [{ path: /*, price: $0.001 }]\n';

async function start(head: string, env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  gateway = await startTestGateway(head + ROUTES, {}, 'off', { HTTP_PROXY: proxy.url, ...env });
  return gateway;
}

async function buy(url: string): Promise<Response> {
  const { key } = await freshPayer(devnet);
  const response = await stockFetch(key)(url);
  await response.arrayBuffer();
  return response;
}

function throughProxy(): string {
  return settings(devnet, upstream.url, { kind: 'remote', url: 'http://facilitator.test/facilitator' });
}

describe('a proxy of the environment', () => {
  it('is the way to a facilitator, with its credentials, and never to the API', async () => {
    const asked = proxy.asked.length;
    const { url } = await start(throughProxy());
    expect((await buy(`${url}/x`)).status).toBe(200);
    const since = proxy.asked.slice(asked);
    expect(since.length).toBeGreaterThan(0);
    expect(new Set(since)).toEqual(new Set(['facilitator.test:80']));
    expect(upstream.seen.at(-1)?.url).toBe('/x');
  });

  it('is the way to a node, for reads and for transactions', async () => {
    const { url } = await start(settings(devnet, upstream.url).replace(devnet.rpcUrl, 'http://node.test/'));
    const response = await buy(`${url}/x`);
    expect(response.status).toBe(200);
    expect(settlementOf(response).transaction).toMatch(/^0x[0-9a-f]{64}$/);
    expect(proxy.asked).toContain('node.test:80');
  });

  it('that refuses every connection costs buyers nothing: no settlement is sent', async () => {
    const { url } = await start(throughProxy());
    const settled = (): number => facilitator.requests.filter(({ endpoint }) => endpoint === 'settle').length;
    const before = settled();
    for (const status of [403, 407, 502]) {
      proxy.refuse(status);
      // An open tunnel may carry the verification; the settlement needs a tunnel of its own.
      expect([402, 503]).toContain((await buy(`${url}/x`)).status);
    }
    expect(settled()).toBe(before);
    proxy.refuse(undefined);
    expect((await buy(`${url}/x`)).status).toBe(200);
    expect(settled()).toBe(before + 1);
  });

  it('is not used for this machine or for the hosts of NO_PROXY', async () => {
    const asked = proxy.asked.length;
    const { url } = await start(settings(devnet, upstream.url, { kind: 'remote', url: facilitator.url }));
    expect((await buy(`${url}/x`)).status).toBe(200);
    await gateway?.close();
    await start(throughProxy(), { NO_PROXY: 'other.test, .test' }).catch(() => undefined);
    expect(proxy.asked.length).toBe(asked);
  });

  it('is the way to receivers of webhooks', async () => {
    const post = openPost(() => proxy.url);
    try {
      const { signal } = new AbortController();
      expect(await post.send('http://hooks.test/paid', { headers: {}, body: '{}' }, signal)).toBe(200);
      expect(upstream.seen.at(-1)).toMatchObject({ method: 'POST', url: '/paid' });
      expect(proxy.asked).toContain('hooks.test:80');
    } finally {
      await post.close();
    }
  });
});
