import { once } from 'node:events';
import { x402Client } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { planOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawPeer } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { askHttp2, connectOverTls, fetchOverTls, openHttp2, TLS_SETTING } from '../support/tls-clients.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let port: number;
let config: string;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([
    startDevnet(),
    startUpstream((req, res) => {
      switch (req.url) {
        case '/echo':
          res.writeHead(200, { 'X-Method': req.method ?? '' });
          req.pipe(res);
          return;
        case '/trailers':
          res.writeHead(200, { Trailer: 'X-Sum', 'Transfer-Encoding': 'chunked' });
          res.write('body');
          res.addTrailers({ 'X-Sum': 'abc' });
          res.end();
          return;
        case '/hints':
          res.writeEarlyHints({ link: '</style.css>; rel=preload' });
          res.end('after hints');
          return;
        case '/cut':
          res.writeHead(200, { 'Content-Length': '100' });
          res.write('part', () => res.destroy());
          return;
        case '/cut-chunks':
          res.write('part', () => res.destroy());
          return;
        case '/cookies':
          res.writeHead(200, [
            'Set-Cookie',
            'a=1',
            'Set-Cookie',
            'b=2',
            'Content-Type',
            'text/plain',
            'Age',
            '1',
            'Age',
            '2',
          ]);
          res.end(req.headers.cookie);
          return;
        case '/empty':
          res.writeHead(204).end();
          return;
        default:
          req.resume();
          res.end(`served ${req.url}`);
      }
    }),
  ]);
  config = `${settings(devnet, upstream.url)}
${TLS_SETTING}
routes:
  - { path: /paid, price: $0.001 }
  - { path: /*, price: free }
`;
  gateway = await startTestGateway(config);
  port = Number(new URL(gateway.url).port);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

describe('TLS on listen', () => {
  it('says https in its address', () => {
    expect(gateway.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  });

  it.each([
    ['HTTP/1.1', false],
    ['HTTP/2', true],
  ])('sells to the stock client over %s', async (_name, allowH2) => {
    const payer = await freshPayer(devnet);
    const over = fetchOverTls(allowH2);
    const client = new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(payer.key)));
    const unpaid = await over.fetch(`${gateway.url}/paid`);
    expect(unpaid.status).toBe(402);
    await unpaid.arrayBuffer();
    const paid = await wrapFetchWithPayment(over.fetch, client)(`${gateway.url}/paid`);
    expect([paid.status, await paid.text()]).toEqual([200, 'served /paid']);
    expect(paid.headers.get('payment-response')).not.toBeNull();
    await over.close();
  });

  it('tells the API and the buyer that it was https', async () => {
    const session = openHttp2(port);
    await askHttp2(session, { ':path': '/seen' });
    const raw = upstream.seen.at(-1)?.rawHeaders ?? [];
    expect(raw[raw.indexOf('X-Forwarded-Proto') + 1]).toBe('https');
    expect(raw[raw.indexOf('X-Forwarded-For') + 1]).toBe('127.0.0.1');
    expect(raw[raw.indexOf('X-Forwarded-Host') + 1]).toBe(`upstream.test:${port}`);
    session.close();
  });

  it('shows the certificate of a reload to the next connection', async () => {
    const other = await planOf(`listen: 127.0.0.1:0\nadmin: off\n${config.replace(/^tls:.*$/m, '')}`);
    const own = await startTestGateway(config);
    const secured = Number(new URL(own.url).port);
    (await connectOverTls(secured, 'http/1.1')).destroy();
    (await own.prepare({ ...own.plan, tls: other.tls })).commit();
    const plain = await fetch(`${own.url.replace('https', 'http')}/plain`);
    expect(await plain.text()).toBe('served /plain');
    await own.close();
  });
});

describe('HTTP/2', () => {
  it('carries bodies both ways, with a length and without, and many at once', async () => {
    const session = openHttp2(port);
    const body = 'x'.repeat(300_000);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        askHttp2(
          session,
          { ':path': '/echo', ':method': 'POST', ...(index % 2 === 0 ? { 'content-length': body.length } : {}) },
          body,
        ),
      ),
    );
    for (const answer of answers) expect([answer.headers[':status'], answer.body.length]).toEqual([200, body.length]);
    session.close();
  });

  it('carries trailers, hints, repeated headers, several cookies, and answers without a body', async () => {
    const session = openHttp2(port);
    expect((await askHttp2(session, { ':path': '/trailers' })).trailers).toMatchObject({ 'x-sum': 'abc' });
    const hinted = await askHttp2(session, { ':path': '/hints' });
    expect([hinted.hints[0]?.[':status'], hinted.body]).toEqual([103, 'after hints']);
    const cookies = await askHttp2(session, { ':path': '/cookies', cookie: ['a=1', 'b=2'] });
    expect([cookies.headers['set-cookie'], cookies.body, cookies.headers.age]).toEqual([
      ['a=1', 'b=2'],
      'a=1; b=2',
      '1',
    ]);
    expect((await askHttp2(session, { ':path': '/empty' })).headers[':status']).toBe(204);
    const head = await askHttp2(session, { ':path': '/echo', ':method': 'HEAD' });
    expect([head.headers[':status'], head.body]).toEqual([200, '']);
    session.close();
  });

  it('resets an answer that the API broke off, and goes on', async () => {
    const session = openHttp2(port);
    for (const path of ['/cut', '/cut-chunks']) {
      const cut = await askHttp2(session, { ':path': path });
      expect([cut.body, cut.reset]).toEqual(['part', 2]);
    }
    expect((await askHttp2(session, { ':path': '/x' })).body).toBe('served /x');
    session.close();
  });

  it('closes the request to the API when a client resets its own', async () => {
    const gone = Promise.withResolvers<void>();
    const api = await startUpstream((req, res) => {
      res.once('close', () => gone.resolve());
      req.resume();
      res.write('first');
    });
    const own = await startTestGateway(
      `upstream: ${api.url}\n${TLS_SETTING}\nstore: memory\nroutes:\n  - { path: /*, price: free }\n`,
    );
    const session = openHttp2(Number(new URL(own.url).port));
    const stream = session.request({ ':path': '/stream' }).on('error', () => {});
    await once(stream, 'data');
    stream.close(8);
    await gone.promise;
    session.close();
    await own.close();
    await api.close();
  });

  it('answers running requests when the gateway ends, and closes', async () => {
    const release = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const api = await startUpstream((req, res) => {
      req.resume();
      asked.resolve();
      void release.promise.then(() => res.end('late'));
    });
    const own = await startTestGateway(
      `upstream: ${api.url}\n${TLS_SETTING}\nstore: memory\nroutes:\n  - { path: /*, price: free }\n`,
    );
    const session = openHttp2(Number(new URL(own.url).port));
    const answer = askHttp2(session, { ':path': '/slow' });
    await asked.promise;
    const closed = own.close();
    release.resolve();
    expect((await answer).body).toBe('late');
    await closed;
    await api.close();
  });

  it('is not forced on a client: a WebSocket or HTTP/1.1 comes over the same port', async () => {
    const peer = new RawPeer(await connectOverTls(port, 'http/1.1'));
    peer.send('GET /old HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect((await peer.ended).toString()).toContain('served /old');
  });
});
