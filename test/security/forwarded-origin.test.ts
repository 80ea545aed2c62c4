import { decodePaymentRequiredHeader } from '@x402/core/http';
import { afterEach, describe, expect, it } from 'vitest';
import { lastRequest, laySiege, type Siege, statusOf } from './siege.ts';

/** The origin that a client used is what a trusted proxy states, in any of the header forms; no other client is believed. */

let siege: Siege;
afterEach(() => siege.close());

const ROUTES = `
routes:
  - { path: /data, price: $0.01 }
  - { path: /shop, host: shop.example.com, price: $0.02 }
`;

const PRICED = '{ path: /data, price: $0.01 }';

/** The URL that a 402 for a path names. */
async function offered(path: string, headers: readonly string[]): Promise<string> {
  const answer = await siege.ask(lastRequest(`GET ${path}`, headers));
  expect(statusOf(answer)).toBe(402);
  return decodePaymentRequiredHeader(answer.all('payment-required')[0] ?? '').resource.url;
}

describe('a trusted proxy', () => {
  it.each([
    [['X-Forwarded-Proto: https,http', 'X-Forwarded-Host: a.example.com'], 'https://a.example.com/data'],
    [['X-Forwarded-Proto: HTTPS', 'X-Forwarded-Host: A.Example.com, inner.local'], 'https://a.example.com/data'],
    [
      ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: a.example.com'],
      'https://a.example.com/data',
    ],
    [
      ['X-Forwarded-Proto: https', 'X-Forwarded-Host: a.example.com', 'X-Forwarded-Port: 8443'],
      'https://a.example.com:8443/data',
    ],
    [
      ['X-Forwarded-Proto: https', 'X-Forwarded-Host: a.example.com', 'X-Forwarded-Port: 443,80'],
      'https://a.example.com/data',
    ],
    [
      ['X-Forwarded-Proto: https', 'X-Forwarded-Host: a.example.com:9443', 'X-Forwarded-Port: 443'],
      'https://a.example.com:9443/data',
    ],
    [
      ['X-Forwarded-Proto: https', 'X-Forwarded-Host: a.example.com', 'X-Forwarded-Prefix: /api/'],
      'https://a.example.com/api/data',
    ],
    [
      ['Forwarded: for=192.0.2.7;proto=HTTPS;host="a.example.com:8443", for=10.0.0.1;proto=http;host=inner'],
      'https://a.example.com:8443/data',
    ],
    [['Forwarded: for="[2001:db8::1]:4711";Proto=https;HOST=a.example.com'], 'https://a.example.com/data'],
    [
      ['Forwarded: host=other.example;proto=http', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: a.example.com'],
      'https://a.example.com/data',
    ],
  ])('states the URL that the 402 names: %j', async (headers, url) => {
    siege = await laySiege(`trustedProxies: [127.0.0.0/8]${ROUTES}`);
    expect(await offered('/data', headers)).toBe(url);
  });

  it.each([
    [['X-Forwarded-Host: a b']],
    [['X-Forwarded-Host: , a.example.com']],
    [['X-Forwarded-Port: 70000']],
    [['X-Forwarded-Prefix: /../x']],
    [['X-Forwarded-Prefix: //evil.example']],
    [['Forwarded: host="a.example.com']],
    [['Forwarded: host=a.example.com@evil.example']],
    [[`Forwarded: ${'"\\'.repeat(4000)}`]],
  ])('is ignored when its header cannot be parsed: %j', async (headers) => {
    siege = await laySiege(`trustedProxies: [127.0.0.0/8]${ROUTES}`);
    expect(await offered('/data', headers)).toBe('http://gw.test/data');
  });

  it.each([
    'X-Forwarded-Host: SHOP.example.com:443, inner.local',
    'Forwarded: host=shop.example.com',
  ])('selects the routes of the host that the client used: %s', async (header) => {
    siege = await laySiege(`trustedProxies: [127.0.0.0/8]${ROUTES}`);
    expect(await offered('/shop', ['X-Forwarded-Proto: https', header])).toMatch(/^https:\/\/shop\.example\.com/);
    expect(statusOf(await siege.ask(lastRequest('GET /shop')))).toBe(404);
  });
});

describe('the API behind a trusted proxy', () => {
  /** The values of a header that the API was sent last. */
  function sent(name: string): string[] {
    const { rawHeaders = [] } = siege.seen.at(-1) ?? {};
    return rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  }

  it.each([
    [['X-Forwarded-Proto: https', 'X-Forwarded-Host: a.test'], 'https', 'a.test'],
    [
      ['X-Forwarded-Host: a.test', 'X-Forwarded-Host: b.test', 'X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'],
      'https',
      'a.test',
    ],
    [['X-Forwarded-Host: a.test, b.test', 'X-Forwarded-Proto: https, http'], 'https', 'a.test'],
    [['X-Forwarded-Proto: http', 'X-Forwarded-Proto: https'], 'http', 'gw.test'],
    [['Forwarded: proto=https;host=pub.test'], 'https', 'pub.test'],
    [['Forwarded: for=192.0.2.1;proto=https, for=10.0.0.1;proto=http;host=inner.test'], 'https', 'gw.test'],
    [['Forwarded: proto=http;host=pub.test', 'X-Forwarded-Proto: https'], 'https', 'pub.test'],
    [['X-Forwarded-Host: A.Test', 'X-Forwarded-Port: 8443', 'X-Forwarded-Proto: https'], 'https', 'a.test:8443'],
    [['X-Forwarded-Host: a.test', 'X-Forwarded-Port: 80', 'X-Forwarded-Proto: https'], 'https', 'a.test'],
    [['X-Forwarded-Host: a.test', 'X-Forwarded-Port: 443', 'X-Forwarded-Proto: http'], 'http', 'a.test'],
    [['X-Forwarded-Host: a.test', 'X-Forwarded-Port: 443', 'X-Forwarded-Proto: wss'], 'https', 'a.test'],
    [['X-Forwarded-Host: a.test', 'X-Forwarded-Port: 80', 'X-Forwarded-Proto: ws'], 'http', 'a.test'],
    [['X-Forwarded-Host: a b', 'X-Forwarded-Proto: gopher'], 'http', 'gw.test'],
    [[], 'http', 'gw.test'],
  ])('is told the scheme and the host that the gateway goes by: %j', async (headers, proto, host) => {
    siege = await laySiege(`trustedProxies: [127.0.0.0/8]\nroutes: [{ path: /free, price: free }, ${PRICED}]\n`);
    expect(await offered('/data', headers)).toBe(`${proto}://${host}/data`);
    await siege.ask(lastRequest('GET /free', headers));
    expect([sent('x-forwarded-proto'), sent('x-forwarded-host')]).toEqual([[proto], [host]]);
  });

  it.each([
    [['X-Forwarded-Port: 80', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: a.test'], ['443']],
    [['X-Forwarded-Port: 443, 80', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: a.test'], ['443']],
    [['X-Forwarded-Port: 443', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: a.test:8443'], ['8443']],
    [['X-Forwarded-Port: 80', 'X-Forwarded-Port: 443', 'X-Forwarded-Host: a.test'], ['80']],
    [['X-Forwarded-Proto: https', 'X-Forwarded-Host: a.test'], []],
  ])('is told the port of these, where a port is stated: %j', async (headers, ports) => {
    siege = await laySiege('trustedProxies: [127.0.0.0/8]\nroutes: [{ path: /free, price: free }]\n');
    await siege.ask(lastRequest('GET /free', headers));
    expect(sent('x-forwarded-port')).toEqual(ports);
  });

  it('is told what the gateway sees of a client that is no trusted proxy', async () => {
    siege = await laySiege(`routes: [{ path: /free, price: free }, ${PRICED}]\n`);
    await siege.ask(
      lastRequest('GET /free', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: a.test', 'Forwarded: proto=https']),
    );
    expect([sent('x-forwarded-proto'), sent('x-forwarded-host')]).toEqual([['http'], ['gw.test']]);
  });
});

describe('a client that is no trusted proxy', () => {
  it.each([
    ['X-Forwarded-Proto: https', 'X-Forwarded-Host: shop.example.com', 'X-Forwarded-Prefix: /x'],
    ['Forwarded: host=shop.example.com;proto=https'],
  ])('is not believed: %s', async (...headers) => {
    siege = await laySiege(ROUTES);
    expect(await offered('/data', headers)).toBe('http://gw.test/data');
    expect(statusOf(await siege.ask(lastRequest('GET /shop', headers)))).toBe(404);
  });
});
