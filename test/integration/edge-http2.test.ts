import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import {
  connectHttp2,
  DATA,
  END_STREAM,
  frame,
  GOAWAY,
  HEADERS,
  RST_STREAM,
  requestHead,
  windowUpdate,
} from '../support/http2-frames.ts';
import { askHttp2, openHttp2, TLS_SETTING } from '../support/tls-clients.ts';

/** Answers in bytes, by path. */
const ANSWERS: Readonly<Record<string, string>> = {
  '/repeated':
    'HTTP/1.1 200 OK\r\nETag: "a"\r\nETag: "b"\r\nVary: Origin\r\nVary: Accept\r\nLink: </a>\r\nLink: </b>\r\nContent-Length: 2\r\n\r\nok',
  '/refused': 'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno',
  '/refused-with-trailers':
    'HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nno\r\n0\r\nX-Sum: 1\r\n\r\n',
  '/no-content': 'HTTP/1.1 204 No Content\r\n\r\n',
  '/no-content-in-chunks': 'HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  '/large': `HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n${'x'.repeat(20_000_000)}`,
  '/long-head': `HTTP/1.1 200 OK\r\n${headers(60, 'y'.repeat(1000))}Content-Length: 2\r\n\r\nok`,
  '/many-headers': `HTTP/1.1 200 OK\r\n${headers(5000, '1')}Content-Length: 2\r\n\r\nok`,
  '/long-hint': `HTTP/1.1 103 Early Hints\r\n${headers(40, 'y'.repeat(1000))}\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
  '/long-trailers': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${headers(40, 'y'.repeat(1000))}\r\n`,
};

/** Header lines with names of their own. */
function headers(count: number, value: string): string {
  return Array.from({ length: count }, (_, index) => `X-${index}: ${value}\r\n`).join('');
}

let api: Server;
let gateway: TestGateway;
let port: number;
/** Paths that the API has answered. */
const answered: string[] = [];

beforeAll(async () => {
  api = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.on('data', (head: Buffer) => {
      const [line = ''] = head.toString('latin1').split('\r\n', 1);
      const [, path = ''] = line.split(' ');
      answered.push(path);
      if (path === '/slow') setTimeout(() => socket.write(ANSWERS['/repeated'] ?? ''), 500);
      else socket.write(ANSWERS[path] ?? '');
    });
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  gateway = await startTestGateway(`upstream: http://127.0.0.1:${(api.address() as AddressInfo).port}
store: memory
${TLS_SETTING}
routes:
  - { path: /*, price: free }
`);
  port = Number(new URL(gateway.url).port);
});

afterAll(async () => {
  await gateway.close();
  api.close();
});

describe('an answer over HTTP/2', () => {
  it('keeps every value of the headers beside one that is repeated and may not be', async () => {
    const session = openHttp2(port);
    const { headers, body } = await askHttp2(session, { ':path': '/repeated' });
    expect(headers).toMatchObject({ etag: '"a"', vary: 'Origin, Accept', link: '</a>, </b>' });
    expect(body).toBe('ok');
    session.destroy();
  });

  it.each([
    ['head of 60 KB', '/long-head', 61],
    ['head of 5000 headers', '/many-headers', 5001],
    ['hint of 40 KB', '/long-hint', 40],
    ['40 KB of trailers', '/long-trailers', 40],
  ])('arrives with a %s', async (_name, path, count) => {
    const session = openHttp2(port, { settings: { maxHeaderListSize: 1_000_000 }, maxHeaderListPairs: 10_000 });
    const answer = await askHttp2(session, { ':path': path });
    const names = [answer.headers, answer.trailers ?? {}, ...answer.hints].map((fields) => Object.keys(fields).length);
    expect([answer.headers[':status'], answer.body, Math.max(...names) >= count]).toEqual([200, 'ok', true]);
    session.destroy();
  });
});

describe('an answer over HTTP/2 before the end of an upload', () => {
  it.each([
    ['without trailers', '/refused'],
    ['with trailers', '/refused-with-trailers'],
    ['of the gateway', '/a;b'],
  ])('%s ends before the client is asked to stop', async (_name, path) => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, 'POST', path, 'with a body'), frame(DATA, 0, 1, Buffer.alloc(1000)));
    const stop = await peer.until(({ type, stream }) => type === RST_STREAM && stream === 1);
    const ofStream = peer.frames.filter(({ type, stream }) => stream === 1 && (type === DATA || type === HEADERS));
    expect(stop.payload.readUInt32BE(0)).toBe(0);
    expect(ofStream.at(-1)?.flags).toSatisfy((flags: number) => (flags & END_STREAM) !== 0);
    expect(peer.frames.indexOf(stop)).toBeGreaterThan(ofStream.length);
    peer.socket.destroy();
  });

  it('does not overtake its end where a client does not read', async () => {
    const peer = await connectHttp2(port);
    // Windows that take the whole answer, so that it waits in the connection.
    peer.send(windowUpdate(0, 50_000_000), requestHead(1, 'GET', '/large', 'whole'), windowUpdate(1, 50_000_000));
    await peer.until(({ type }) => type === DATA);
    peer.socket.pause();
    const before = answered.length;
    peer.send(requestHead(3, 'POST', '/refused', 'with a body'), frame(DATA, 0, 3, Buffer.alloc(1000)));
    await vi.waitUntil(() => answered.length > before);
    peer.socket.resume();
    const stop = await peer.until(({ type, stream }) => type === RST_STREAM && stream === 3);
    const ofStream = peer.frames.filter(({ type, stream }) => stream === 3 && (type === DATA || type === HEADERS));
    expect(ofStream.at(-1)?.flags).toSatisfy((flags: number) => (flags & END_STREAM) !== 0);
    expect(stop.payload.readUInt32BE(0)).toBe(0);
    peer.socket.destroy();
  });

  it('arrives whole with its trailers, and the connection goes on', async () => {
    const session = openHttp2(port);
    const upload = { ':path': '/refused-with-trailers', ':method': 'POST' };
    const early = await askHttp2(session, upload, 'x'.repeat(5_000_000));
    expect([early.headers[':status'], early.body, early.trailers, early.reset]).toMatchObject([
      413,
      'no',
      { 'x-sum': '1' },
      0,
    ]);
    expect((await askHttp2(session, { ':path': '/repeated' })).body).toBe('ok');
    session.destroy();
  });
});

describe('an answer over HTTP/2 after the whole request', () => {
  it.each([
    ['GET', '/repeated', 'whole'],
    ['HEAD', '/repeated', 'whole'],
    ['GET', '/no-content', 'whole'],
    ['GET', '/no-content-in-chunks', 'whole'],
    ['POST', '/repeated', 'with a body'],
  ] as const)('to %s %s ends without a reset', async (method, path, end) => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, method, path, end));
    if (end === 'with a body') peer.send(frame(DATA, END_STREAM, 1, Buffer.from('body')));
    await peer.until(({ stream, flags }) => stream === 1 && (flags & END_STREAM) !== 0);
    await peer.settle(3);
    expect(peer.frames.map(({ type }) => type)).not.toContain(RST_STREAM);
    peer.socket.destroy();
  });
});

describe('keepAliveTimeout', () => {
  /** Sockets are of the system: the time is real, and short. */
  const KEPT_MS = 300;
  let own: TestGateway;

  beforeAll(async () => {
    own = await startTestGateway(`upstream: http://127.0.0.1:${(api.address() as AddressInfo).port}
store: memory
keepAliveTimeout: ${KEPT_MS}ms
${TLS_SETTING}
routes:
  - { path: /*, price: free }
`);
  });
  afterAll(async () => await own.close());

  it('ends an HTTP/2 connection without a request', async () => {
    const peer = await connectHttp2(Number(new URL(own.url).port));
    await peer.ended;
    expect(peer.frames.map(({ type }) => type)).toContain(GOAWAY);
  });

  it('ends one after its last request, however often it says that it is alive', async () => {
    const peer = await connectHttp2(Number(new URL(own.url).port));
    peer.send(requestHead(1, 'GET', '/repeated', 'whole'));
    await peer.until(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0);
    const alive = setInterval(() => void peer.settle().catch(() => {}), 50);
    await peer.ended;
    clearInterval(alive);
    expect(peer.frames.map(({ type }) => type)).toContain(GOAWAY);
  });

  it('does not end one while a request waits for its answer, or between requests that follow in time', async () => {
    const peer = await connectHttp2(Number(new URL(own.url).port));
    const begun = performance.now();
    peer.send(requestHead(1, 'GET', '/slow', 'whole'));
    await peer.until(({ type, stream, flags }) => type === DATA && stream === 1 && (flags & END_STREAM) !== 0);
    expect(performance.now() - begun).toBeGreaterThan(KEPT_MS);
    peer.send(requestHead(3, 'GET', '/repeated', 'whole'));
    await peer.until(({ type, stream, flags }) => type === DATA && stream === 3 && (flags & END_STREAM) !== 0);
    await peer.ended;
  });
});
