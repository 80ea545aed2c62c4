import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { type BareGateway, type BareGatewayOptions, openBareGateway } from '../support/bare-gateway.ts';
import { openHttpUpstream, openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, crlf, exchangeRaw, parseRaw, type RawPeer } from '../support/raw-http.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const open: (BareGateway | TestUpstream)[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function gatewayTo(upstream: TestUpstream, options?: BareGatewayOptions): Promise<BareGateway> {
  const gateway = await openBareGateway(upstream.upstream, options);
  open.push(upstream, gateway);
  return gateway;
}

/** An upstream that answers every request on a connection with the same bytes. */
function answering(bytes: string | Buffer): Promise<TestUpstream> {
  return openOddUpstream((peer) => {
    peer.socket.on('data', () => peer.send(bytes));
  });
}

const GET = 'GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n';

describe('the response of the upstream', () => {
  it('keeps status text, header case, order and repeated headers', async () => {
    const head = crlf([
      'HTTP/1.1 203 Sort Of Fine',
      'sEt-CooKie: a=1',
      'X-ODD: \xe9',
      'Set-Cookie: b=2; Path=/',
      'Content-Length: 2',
    ]);
    const gateway = await gatewayTo(await answering(`${head}\r\nhi`));
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toBe('HTTP/1.1 203 Sort Of Fine');
    expect(response.headers.slice(0, 4)).toEqual([
      ['sEt-CooKie', 'a=1'],
      ['X-ODD', '\xe9'],
      ['Set-Cookie', 'b=2; Path=/'],
      ['Content-Length', '2'],
    ]);
    expect(response.body.toString()).toBe('hi');
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 2 });
  });

  it('keeps the bytes of a reason phrase that is not ASCII', async () => {
    const gateway = await gatewayTo(await answering('HTTP/1.1 200 Gr\xc3\xbc\xc3\x9fe\r\nContent-Length: 0\r\n\r\n'));
    expect((await exchangeRaw(gateway.port, GET)).statusLine).toBe('HTTP/1.1 200 Gr\xc3\xbc\xc3\x9fe');
  });

  it('leaves a compressed body and its headers alone', async () => {
    const body = gzipSync('the very same bytes');
    const head = crlf(['HTTP/1.1 200 OK', 'Content-Encoding: gzip', `Content-Length: ${body.length}`]);
    const gateway = await gatewayTo(await answering(Buffer.concat([Buffer.from(`${head}\r\n`), body])));
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.all('content-encoding')).toEqual(['gzip']);
    expect(response.body.equals(body)).toBe(true);
  });

  it('relays redirects instead of following them', async () => {
    const gateway = await gatewayTo(
      await answering('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'),
    );
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.all('location')).toEqual(['http://127.0.0.1:1/']);
  });

  it('answers HEAD with the length of the body that GET has, and no body', async () => {
    const gateway = await gatewayTo(await answering('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n'));
    const response = await exchangeRaw(gateway.port, 'HEAD /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
    expect(response.all('content-length')).toEqual(['1234']);
    expect(response.body.length).toBe(0);
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 0 });
  });

  it.each([
    ['204 No Content', ''],
    ['304 Not Modified', 'ETag: "1"\r\nContent-Length: 77\r\n'],
  ])('passes on %s without a body', async (status, headers) => {
    const gateway = await gatewayTo(await answering(`HTTP/1.1 ${status}\r\n${headers}\r\n`));
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toBe(`HTTP/1.1 ${status}`);
    expect(response.all('transfer-encoding')).toEqual([]);
    expect(response.body.length).toBe(0);
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 0 });
  });

  it('passes on trailers of a chunked response, but no forged receipt among them', async () => {
    const gateway = await gatewayTo(
      await answering(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\nPAYMENT-RESPONSE: forged\r\n\r\n',
      ),
    );
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.all('trailer')).toEqual(['X-Sum']);
    expect(response.body.toString()).toBe('2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n');
  });

  it('frames a response that ends with its connection in chunks', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.0 200 OK\r\n\r\nold');
      peer.socket.end();
    });
    const gateway = await gatewayTo(upstream);
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.all('transfer-encoding')).toEqual(['chunked']);
    expect(response.body.toString()).toBe('3\r\nold\r\n0\r\n\r\n');
  });

  const ANNOUNCED = [
    'HTTP/1.1 103 Early Hints\r\nLink: </a,b>; rel="x y"\r\nlink: </c>\r\nPAYMENT-RESPONSE: forged\r\nX402-Payer: f\r\n\r\n',
    'HTTP/1.1 102 Processing\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!',
  ];

  it('comes after the informational ones, which have no forged headers', async () => {
    const gateway = await gatewayTo(await answering(ANNOUNCED.join('')));
    const client = await connectRaw(gateway.port);
    client.send(GET);
    const [hints = '', processing = '', final = ''] = (await client.ended).toString().split('\r\n\r\n');
    expect(hints.split('\r\n')).toEqual(['HTTP/1.1 103 Early Hints', 'Link: </a,b>; rel="x y"', 'link: </c>']);
    expect(processing).toBe('HTTP/1.1 102 Processing');
    expect(final).toContain('HTTP/1.1 200 OK\r\n');
    expect(client.received.toString().endsWith('\r\n\r\n!')).toBe(true);
  });

  it('comes without informational ones when it is paid for, because they may hold what is sold', async () => {
    const paid = { payer: '0xab', network: 'eip155:8453', asset: '0xcd', amount: '10', route: 'GET /x' };
    const gateway = await gatewayTo(await answering(ANNOUNCED.join('')), { paid });
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toBe('HTTP/1.1 200 OK');
    expect(response.body.toString()).toBe('!');
  });

  it('to HEAD ends its connection: a body that comes with it, or a little late, answers no other request', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      let unsaid = '';
      for (;;) {
        const head = await peer.until('\r\n\r\n');
        peer.clear();
        const isHead = head.startsWith('HEAD');
        peer.send(`${unsaid}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n${isHead ? '' : 'honest'}`);
        // What does not belong to a HEAD comes with the next request on the same connection, where there is one.
        unsaid = isHead ? 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged' : '';
      }
    });
    const gateway = await gatewayTo(upstream);
    await exchangeRaw(gateway.port, 'HEAD /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
    for (let i = 0; i < 3; i++) expect((await exchangeRaw(gateway.port, GET)).body.toString()).toBe('honest');
    expect(upstream.connections()).toBe(2);
  });

  it('keeps a thousand headers, and its body behind a megabyte of chunk extensions', async () => {
    const headers = Array.from({ length: 1000 }, (_, index) => `X-${index}: ${index}`);
    const extension = `;a=${'x'.repeat(1024 * 1024)}`;
    const body = `2${extension}\r\nhi\r\n0${extension}\r\n\r\n`;
    const gateway = await gatewayTo(
      await answering(`${crlf(['HTTP/1.1 200 OK', ...headers, 'Transfer-Encoding: chunked'])}\r\n${body}`),
    );
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.headers.slice(0, 1000)).toEqual(headers.map((line) => line.split(': ')));
    expect(response.body.toString()).toBe('2\r\nhi\r\n0\r\n\r\n');
  });

  it('of 205 has no body, and one without its reason phrase keeps its status', async () => {
    const gateway = await gatewayTo(await answering('HTTP/1.1 205 \r\nContent-Length: 0\r\n\r\n'));
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toMatch(/^HTTP\/1.1 205/);
    expect(response.body.length).toBe(0);
  });

  it('is one per request: a second response in the bytes after it is dropped', async () => {
    const upstream = await answering(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged',
    );
    const gateway = await gatewayTo(upstream);
    for (let i = 0; i < 3; i++) expect((await exchangeRaw(gateway.port, GET)).body.toString()).toBe('ok');
    expect(upstream.connections()).toBe(3);
  });
});

describe('streaming to the client', () => {
  it('shows the head and each event of an event stream before the next one exists', async () => {
    const peers = Promise.withResolvers<RawPeer>();
    const gateway = await gatewayTo(await openOddUpstream((peer) => peers.resolve(peer)));
    const client = await connectRaw(gateway.port);
    client.send('GET /events HTTP/1.1\r\nHost: gw\r\n\r\n');
    const upstream = await peers.promise;
    await upstream.until('\r\n\r\n');
    upstream.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.until('\r\n\r\n');
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      upstream.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      await client.until(event);
    }
    client.socket.destroy();
    await upstream.ended;
    expect(await gateway.next()).toEqual({ kind: 'client_gone' });
  });

  it('passes 50 MB through byte for byte without holding them', async () => {
    const block = randomBytes(256 * 1024);
    const blocks = 200;
    const upstream = await openHttpUpstream(async (_req, res) => {
      for (let i = 0; i < blocks; i++) if (!res.write(block)) await once(res, 'drain');
      res.end();
    });
    const gateway = await gatewayTo(upstream);
    const start = held();
    let most = 0;
    let chunks = 0;
    const hash = createHash('sha256');
    const [response] = await once(get({ port: gateway.port, path: '/big' }), 'response');
    for await (const chunk of response) {
      hash.update(chunk);
      if (++chunks % 100 === 0) most = Math.max(most, held() - start);
    }
    const expected = createHash('sha256');
    for (let i = 0; i < blocks; i++) expected.update(block);
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
    expect(chunks).toBeGreaterThan(200);
    // Upstream, gateway and client live in this process, each with its sockets' buffers.
    expect(most).toBeLessThan(32 * 1024 * 1024);
  });

  it('stops reading the upstream while the client does not read, and while a response is held back', async () => {
    const size = 64 * 1024 * 1024;
    const hold = Promise.withResolvers<boolean>();
    let written = 0;
    const block = Buffer.alloc(256 * 1024, 'x');
    const upstream = await openHttpUpstream(async (req, res) => {
      if (req.url === '/small') return void res.end('small');
      res.writeHead(200, { 'content-length': size });
      for (; written < size; written += block.length) if (!res.write(block)) await once(res, 'drain');
      res.end();
    });
    const gateway = await gatewayTo(upstream, {
      hold: (_, req) => (req.url === '/small' ? Promise.resolve(true) : hold.promise),
    });
    const client = await connectRaw(gateway.port);
    client.send('GET /big HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
    const others = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        await exchangeRaw(gateway.port, 'GET /small HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
        await gateway.next();
      }
    };
    await others();
    // What fits in the sockets of one connection, and nothing that the gateway collects.
    expect(written).toBeLessThan(16 * 1024 * 1024);
    client.socket.pause();
    hold.resolve(true);
    await others();
    expect(written).toBeLessThan(40 * 1024 * 1024);
    client.socket.resume();
    expect(parseRaw(await client.ended).body.length).toBe(size);
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: size });
  });

  it('keeps a response good that is held back until after the upstream has closed', async () => {
    const closed = Promise.withResolvers<void>();
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nworth');
      peer.socket.end(() => closed.resolve());
    });
    const gateway = await gatewayTo(upstream, { hold: () => closed.promise.then(() => true) });
    expect((await exchangeRaw(gateway.port, GET)).body.toString()).toBe('worth');
  });

  it('uses one connection for one request after another', async () => {
    const upstream = await openHttpUpstream((_req, res) => res.end('ok'));
    const gateway = await gatewayTo(upstream);
    for (let i = 0; i < 20; i++) {
      await exchangeRaw(gateway.port, GET);
      await gateway.next();
    }
    expect(upstream.connections()).toBe(1);
  });

  it('drops a discarded response together with its connection', async () => {
    const gone = Promise.withResolvers<void>();
    const upstream = await openHttpUpstream((_req, res) => {
      res.once('close', () => gone.resolve());
      res.write('secret');
    });
    const gateway = await gatewayTo(upstream, { hold: () => Promise.resolve(false) });
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toContain('402');
    expect(response.body.includes('secret')).toBe(false);
    await gone.promise;
    expect(await gateway.next()).toEqual({ kind: 'discarded' });
  });

  it('shows the upstream the payment and the buyer the receipt, and keeps paid answers out of shared caches', async () => {
    const upstream = await openHttpUpstream((req, res) => {
      res.writeHead(200, {
        'cache-control': 'public, max-age=9',
        'access-control-allow-origin': '*',
        'payment-response': 'x',
      });
      res.end(req.headers['x402-payer']);
    });
    const paid = { payer: '0xab', network: 'eip155:8453', asset: '0xcd', amount: '10', route: 'GET /x' };
    const gateway = await gatewayTo(upstream, { paid, add: [['PAYMENT-RESPONSE', 'receipt']] });
    const call = request({
      port: gateway.port,
      path: '/x',
      headers: { 'x402-payer': '0xforged', x402_payer: '0xforged' },
    }).end();
    const [response] = await once(call, 'response');
    let body = '';
    for await (const chunk of response) body += chunk;
    expect(body).toBe('0xab');
    expect(response.headers).toMatchObject({
      'cache-control': 'private, max-age=9',
      'payment-response': 'receipt',
      'access-control-expose-headers': 'PAYMENT-RESPONSE',
      vary: 'PAYMENT-SIGNATURE, X-PAYMENT, Authorization',
    });
  });
});

/** Bytes outside the heap that live buffers hold; what was read and let go of is collected first. */
function held(): number {
  collectGarbage();
  return process.memoryUsage().external;
}
