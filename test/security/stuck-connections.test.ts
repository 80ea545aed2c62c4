import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseRaw } from '../support/raw-http.ts';
import { codeOf, lastRequest, laySiege, request, type Siege, statusOf } from './siege.ts';

/** Connections that are cut or stall: none ends the process, or blocks other clients permanently. */

/** Longer than any client may stall. */
const A_WHILE_MS = 120_000;
let siege: Siege;

beforeEach(async () => {
  siege = await laySiege(`
drainTimeout: 1s
limits: { upstreamCallsPerClient: 2 }
routes:
  - { path: /*, price: free, upstream: { url: UPSTREAM, connections: 2, timeout: 5s } }
`);
});
afterEach(async () => {
  vi.useRealTimers();
  await siege.close();
});

const CONNECT = request('CONNECT a.test:1');

describe('a connection that ends badly', () => {
  it('does not end the process after CONNECT', async () => {
    for (let round = 0; round < 10; round += 1) {
      const early = await siege.connect();
      early.send(CONNECT + 'x'.repeat(5000));
      early.socket.resetAndDestroy();
      // Half open: it has not closed when it is reset.
      const late = await siege.cling();
      late.send(CONNECT);
      await late.until('405');
      late.socket.resetAndDestroy();
    }
    expect(statusOf(await siege.ask(lastRequest('GET /after')))).toBe(200);
  });

  it.each([
    ['a refused CONNECT', CONNECT],
    ['garbage', 'GARBAGE\r\n\r\n'],
    ['a refused upgrade', request('GET /x', ['Connection: Upgrade', 'Upgrade: h2c', 'Connection: close'])],
    ['a refused expectation', request('POST /x', ['Expect: else', 'Content-Length: 9'])],
    ['a last answer', lastRequest('GET /x')],
  ])('does not keep the gateway from closing while a client holds it open after %s', async (_name, bytes) => {
    const peer = await siege.cling();
    peer.send(bytes);
    await peer.until('\r\n\r\n');
    // Before the drain, which would cut it anyway.
    await expect.poll(() => peer.pushOn(), { timeout: 30_000 }).toBe('refused');
    await siege.closeGateway();
  });
});

describe('a client that stalls', () => {
  it('in the middle of its uploads does not block the API permanently for other clients', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stalled = await Promise.all([siege.connect(), siege.connect()]);
    for (const peer of stalled) peer.send(request('POST /upload', ['Content-Length: 100'], 'half'));
    await siege.asked(2);
    await vi.advanceTimersByTimeAsync(A_WHILE_MS);
    for (const peer of stalled) {
      const answer = parseRaw(Buffer.from(await peer.until('}'), 'latin1'));
      expect(statusOf(answer)).toBe(408);
      expect(codeOf(answer)).toBe('request_timeout');
      peer.socket.destroy();
    }
    vi.useRealTimers();
    expect(statusOf(await siege.ask(lastRequest('GET /after')))).toBe(200);
  });

  it('in the middle of large answers does not block the API permanently for other clients', async () => {
    siege.answer((req, res) => {
      if (req.url !== '/large') return res.end('served');
      // It never ends, so it is more than all buffers between the API and the client hold.
      const body = new Readable({ read: () => body.push(Buffer.alloc(65_536)) });
      return pipeline(body, res).catch(() => {});
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stalled = await Promise.all([siege.connect(), siege.connect()]);
    for (const peer of stalled) {
      peer.socket.pause();
      peer.send(request('GET /large'));
    }
    await siege.asked(2);
    const cut = (): unknown[] => siege.gateway.log.flatMap(({ path, outcome }) => (path === '/large' ? [outcome] : []));
    for (let round = 0; round < 1000 && cut().length < 2; round += 1) {
      await vi.advanceTimersByTimeAsync(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(cut()).toEqual(['client_gone', 'client_gone']);
    vi.useRealTimers();
    expect(statusOf(await siege.ask(lastRequest('GET /after')))).toBe(200);
    for (const peer of stalled) peer.socket.destroy();
  });
});
