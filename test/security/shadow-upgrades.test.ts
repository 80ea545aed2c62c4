import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** A client that is not charged asks for a WebSocket, so that a cache keeps the priced answer for clients that are charged. */

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([
    startDevnet(),
    startUpstream((req, res) => {
      req.resume();
      res.setHeader('Cache-Control', 'public, max-age=60').setHeader('Surrogate-Control', 'max-age=60').end('priced');
    }),
  ]);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}enforce: off
routes:
  - { path: /priced, price: $0.001 }
  - { path: /free, price: free }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function upgrade(path: string): Promise<Awaited<ReturnType<typeof exchangeRaw>>> {
  const head = ['Host: a', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const lines = [`GET ${path} HTTP/1.1`, ...head, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''];
  return await exchangeRaw(Number(new URL(gateway.url).port), lines.join('\r\n'));
}

describe('an upgrade that is answered as a plain request', () => {
  it('is kept out of shared caches on a priced route that does not charge this client', async () => {
    const answer = await upgrade('/priced');
    expect(answer.statusLine).toContain(' 200 ');
    expect(answer.all('cache-control')).toEqual(['private, max-age=60']);
    expect(answer.all('surrogate-control')).toEqual([]);
    expect(answer.all('vary').join()).toContain('PAYMENT-SIGNATURE');
  });

  it('keeps the cache headers of the API on a free route', async () => {
    expect((await upgrade('/free')).all('cache-control')).toEqual(['public, max-age=60']);
  });
});
