import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newAgent, type SigningAgent, signatureOf } from '../support/agents/signing-agent.ts';
import { challengeOf, settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Prices for agents that sign their requests, at a gateway that knows their keys. */

const NOW = Date.now();
const S = Math.floor(NOW / 1000);
const BOT = 'Googlebot/2.1';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36';

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
/** The same without a name of its own. */
let nameless: TestGateway;
let agent: SigningAgent;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  agent = newAgent('https://agent.example');
  const text = `${settings(devnet, upstream.url)}
agents: ${JSON.stringify([{ agent: agent.origin, keys: agent.directory }])}
routes:
  - path: /news
    prices:
      - { when: { agent: verified }, price: $0.001 }
      - { when: { agent: bot }, price: $0.005 }
      - { price: free }
  - path: /bots
    prices:
      - { when: { agent: bot }, price: $0.005 }
      - { price: free }
  - path: /rpc
    prices:
      - { when: { agent: verified, jsonrpc: "*" }, price: $0.001 }
      - { when: { jsonrpc: "*" }, price: $0.005 }
  - path: /hosted
    host: api.example.org
    prices: [{ when: { agent: verified }, price: $0.001 }, { price: $0.005 }]
`;
  const deps = { clock: () => NOW };
  gateway = await startTestGateway(`publicUrl: https://api.example.com\n${text}`, deps);
  nameless = await startTestGateway(text, deps);
});

afterAll(async () => {
  await Promise.all([gateway.close(), nameless.close()]);
  await Promise.all([devnet.close(), upstream.close()]);
});

interface Asked {
  readonly authority?: string;
  readonly created?: number;
  readonly expires?: number;
  readonly userAgent?: string;
  readonly by?: SigningAgent;
}

function headersOf({
  authority = 'api.example.com',
  by = agent,
  userAgent = BOT,
  ...times
}: Asked): Record<string, string> {
  const covers = {
    '"@authority"': authority,
    '"signature-agent";key="me"': `"${by.origin}"`,
  };
  const signed = signatureOf(by, { covers, created: S - 5, expires: S + 300, ...times });
  return { ...signed, 'Signature-Agent': `me="${by.origin}"`, 'User-Agent': userAgent };
}

/** What a request costs, in atomic units of USDC. */
async function costOf(url: string, init: RequestInit): Promise<string> {
  const got = await fetch(url, init);
  await got.arrayBuffer();
  return got.status === 200 ? 'free' : (challengeOf(got).accepts[0]?.amount ?? '');
}

const cost = (path: string, asked: Asked): Promise<string> => costOf(gateway.url + path, { headers: headersOf(asked) });

describe('an agent whose key is in the configuration', () => {
  it('pays its own price, and the API gets its signature as it was sent', async () => {
    const init = { headers: headersOf({}) };
    const url = `${gateway.url}/news`;
    const header = await signFor(devnet, await freshPayer(devnet), url, init);
    const paid = await fetch(url, { headers: { ...init.headers, 'PAYMENT-SIGNATURE': header } });
    expect([paid.status, settlementOf(paid).amount]).toEqual([200, '1000']);
    const seen = upstream.seen.at(-1)?.rawHeaders ?? [];
    expect(seen).toEqual(
      expect.arrayContaining(['Signature-Input', 'Signature-Agent'].map((name) => init.headers[name])),
    );
  });

  it('pays it whatever its User-Agent says, and is a bot where it has no price of its own', async () => {
    expect(await cost('/news', { userAgent: BROWSER })).toBe('1000');
    expect(await cost('/bots', { userAgent: BROWSER })).toBe('5000');
    expect(await costOf(`${gateway.url}/bots`, { headers: { 'User-Agent': BROWSER } })).toBe('free');
  });

  it('pays it for each call of a batch', async () => {
    const call = { jsonrpc: '2.0', id: 1, method: 'a' };
    const init = { method: 'POST', headers: headersOf({}), body: JSON.stringify([call, call]) };
    expect(await costOf(`${gateway.url}/rpc`, init)).toBe('2000');
    expect(await costOf(`${gateway.url}/rpc`, { ...init, headers: headersOf({ authority: 'evil.example' }) })).toBe(
      '10000',
    );
  });
});

describe('a signature that proves nothing here', () => {
  it.each<[string, Asked]>([
    ['for another site', { authority: 'evil.example' }],
    ['for the address that the gateway listens on', { authority: '127.0.0.1' }],
    ['whose time is over', { expires: S }],
    ['of tomorrow', { created: S + 86_400, expires: S + 90_000 }],
    ['of an agent that nobody knows', { by: newAgent('https://agent.example') }],
  ])('costs what any bot pays, and is no fault: %s', async (_what, asked) => {
    expect(await cost('/news', asked)).toBe('5000');
  });

  it('costs what any bot pays when it is broken', async () => {
    for (const broken of ['', 'sig1', 'sig1=:AAAA:', '((((', `sig1=:${'A'.repeat(86)}==:`, '\u00ff'])
      expect(await costOf(`${gateway.url}/news`, { headers: { ...headersOf({}), Signature: broken } })).toBe('5000');
  });

  it('is any where the gateway does not know its name: it may be for the site that sends it on', async () => {
    const { hostname, port } = new URL(nameless.url);
    const over = (authority: string, host: string, path: string): Promise<string> =>
      costOf(`${nameless.url}${path}`, { headers: { ...headersOf({ authority }), Host: host } });
    expect(await over('evil.example', 'evil.example', '/news')).toBe('5000');
    expect(await over(`${hostname}:${port}`, `${hostname}:${port}`, '/news')).toBe('1000');
  });
});
