import { once } from 'node:events';
import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stockFetch } from '../support/buyer.ts';
import { findNginx, proxyServer, startNginx } from '../support/nginx.ts';
import { parseRaw, type RawPeer } from '../support/raw-http.ts';
import { lastRequest, laySiege, request, type Siege, statusOf } from './siege.ts';

/** Uploads that are answered before they are read: the answer arrives, whenever the client reads it. */

const nginxPath = findNginx();
const MEGABYTE = 1024 * 1024;
let siege: Siege;

beforeEach(async () => {
  siege = await laySiege(`
routes:
  - { path: /sold, methods: [POST], price: $0.001 }
  - { path: /free, price: free }
`);
});
afterEach(async () => {
  vi.useRealTimers();
  await siege.close();
});

/** Buys several times with the stock client, which sends a form of that many megabytes. Returns the statuses. */
async function buy(origin: string, megabytes: number, times: number): Promise<number[]> {
  const form = new FormData();
  form.append('file', new Blob([Buffer.alloc(megabytes * MEGABYTE, 'x')]), 'file.bin');
  const statuses: number[] = [];
  for (let round = 0; round < times; round += 1) {
    const response = await stockFetch(generatePrivateKey())(`${origin}/sold`, { method: 'POST', body: form });
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  return statuses;
}

/** Sends a whole upload before it reads anything of the answer. */
async function sendAll(head: string, body: Buffer): Promise<RawPeer> {
  const peer = await siege.connect();
  peer.socket.pause();
  peer.send(head);
  await new Promise((resolve) => peer.socket.write(body, resolve));
  peer.socket.resume();
  return peer;
}

describe('an unpaid upload', () => {
  it.each([2, 5])('of %i MB is bought by the stock client, every time', async (megabytes) => {
    expect(await buy(siege.gateway.url, megabytes, 10)).toEqual(Array(10).fill(200));
  });

  it.skipIf(nginxPath === undefined)('of 5 MB is bought by the stock client behind nginx, every time', async () => {
    // The defaults of nginx, except for its limit of 1 MB for uploads.
    const nginx = await startNginx(nginxPath ?? '', (port) => {
      return `client_max_body_size 8m; server { listen 127.0.0.1:${port}; location / { proxy_pass ${siege.gateway.url}; } }`;
    });
    expect(await buy(nginx.url, 5, 10)).toEqual(Array(10).fill(200));
    await nginx.stop();
  });

  it.skipIf(nginxPath === undefined)('is bought behind an nginx that keeps its connections', async () => {
    const nginx = await startNginx(nginxPath ?? '', (port) => {
      return `client_max_body_size 8m; ${proxyServer(port, siege.gateway.url)}`;
    });
    expect(await buy(nginx.url, 2, 10)).toEqual(Array(10).fill(200));
    await nginx.stop();
  });

  it.each([
    ['a length', `Content-Length: ${5 * MEGABYTE}`, Buffer.alloc(5 * MEGABYTE)],
    [
      'chunks',
      'Transfer-Encoding: chunked',
      Buffer.concat([Buffer.from('500000\r\n'), Buffer.alloc(5 * MEGABYTE), Buffer.from('\r\n0\r\n\r\n')]),
    ],
  ])('with %s gets its 402 when the client reads only at the end', async (_name, header, body) => {
    const peer = await sendAll(request('POST /sold', [header]), body);
    const answer = parseRaw(await peer.ended);
    expect(statusOf(answer)).toBe(402);
    expect(answer.all('connection')).toEqual(['close']);
    expect(peer.broken).toBe(false);
    peer.socket.destroy();
  });

  it('gets its 402 and the end of the connection at once, while it is still being sent', async () => {
    const peer = await siege.connect();
    peer.send(request('POST /sold', [`Content-Length: ${5 * MEGABYTE}`], 'the beginning'));
    expect(statusOf(parseRaw(await peer.ended))).toBe(402);
    peer.socket.destroy();
  });

  it('keeps a request behind it from being carried out', async () => {
    const size = 200_000;
    // The gateway has a connection to the API: whatever it carries out is sent there at once.
    expect(statusOf(await siege.ask(lastRequest('GET /free', [])))).toBe(200);
    const peer = await siege.cling();
    peer.send(request('POST /sold', [`Content-Length: ${size}`]));
    await peer.until('}');
    peer.send(Buffer.concat([Buffer.alloc(size), Buffer.from(request('GET /free'))]));
    await expect.poll(() => peer.pushOn(), { timeout: 30_000 }).toBe('refused');
    expect(siege.seen).toHaveLength(1);
    expect(peer.received.toString('latin1').match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('is read up to a bound of bytes', async () => {
    const peer = await siege.cling();
    peer.send(request('POST /sold', [`Content-Length: ${1024 * MEGABYTE}`]));
    const closed = new Promise<void>((resolve) => peer.socket.once('close', () => resolve()));
    const block = Buffer.alloc(MEGABYTE);
    for (let sent = 0; sent < 1024 && !peer.socket.destroyed; sent += 1) {
      if (!peer.socket.write(block)) await Promise.race([once(peer.socket, 'drain').catch(() => {}), closed]);
    }
    await closed;
    expect(peer.socket.bytesWritten).toBeLessThan(256 * MEGABYTE);
  });

  it.each([
    ['that is silent is cut off', 2_500, 1],
    ['that sends single bytes is cut off after a minute', 1_500, 50],
  ])('%s', async (_name, stepMs, mostSteps) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const peer = await siege.connect();
    peer.send(request('POST /sold', [`Content-Length: ${MEGABYTE}`]));
    await peer.until('}');
    const closed = new Promise<void>((resolve) => peer.socket.once('close', () => resolve()));
    for (let step = 0; step < mostSteps && !peer.socket.destroyed; step += 1) {
      if (step > 0) peer.send('x');
      await vi.advanceTimersByTimeAsync(stepMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(statusOf(parseRaw(peer.received))).toBe(402);
  });
});

describe('an upload that is answered early', () => {
  it('by the API gets that answer, and is read to its end', async () => {
    siege.answer((_req, res) => res.writeHead(413).end('too large'));
    const peer = await sendAll(request('POST /free', [`Content-Length: ${8 * MEGABYTE}`]), Buffer.alloc(8 * MEGABYTE));
    const answer = parseRaw(await peer.ended);
    expect(statusOf(answer)).toBe(413);
    expect(peer.broken).toBe(false);
    peer.socket.destroy();
  });

  it('because of its Expect header gets that answer', async () => {
    const head = request('POST /free', ['Expect: else', `Content-Length: ${5 * MEGABYTE}`]);
    const peer = await sendAll(head, Buffer.alloc(5 * MEGABYTE));
    expect(statusOf(parseRaw(await peer.ended))).toBe(417);
    expect(peer.broken).toBe(false);
    peer.socket.destroy();
  });

  it('because its head is too large gets that answer', async () => {
    const peer = await sendAll('POST /free HTTP/1.1\r\nX: ', Buffer.alloc(MEGABYTE, 'x'));
    expect(statusOf(parseRaw(await peer.ended))).toBe(431);
    expect(peer.broken).toBe(false);
    peer.socket.destroy();
  });
});
