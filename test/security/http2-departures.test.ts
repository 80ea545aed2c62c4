import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import {
  connectHttp2,
  DATA,
  END_HEADERS,
  END_STREAM,
  fields,
  frame,
  GOAWAY,
  HEADERS,
  type Http2Peer,
  RST_STREAM,
  requestHead,
  reset,
  windowUpdate,
} from '../support/http2-frames.ts';
import { encodePayment, handSigned } from '../support/payment-header.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { askHttp2, connectOverTls, openHttp2, TLS_SETTING } from '../support/tls-clients.ts';

/** A client of HTTP/2 that leaves is noticed, in whatever way it leaves: it holds nothing any more, and pays nothing. */

let api: Server;
let facilitator: ScriptedFacilitator;
let gateway: TestGateway;
let port: number;
/** Calls that the API has not answered yet. */
let called: PromiseWithResolvers<{ readonly req: IncomingMessage; readonly res: ServerResponse }>;
/** The answer that goes on while the client takes it. */
let endless: ServerResponse | undefined;
/** Pieces of it. */
let pieces: number;

function sendOn(res: ServerResponse): void {
  do pieces += 1;
  while (res.write(Buffer.alloc(16_000)));
  res.once('drain', () => sendOn(res));
}

/** Asks for the endless answer, and takes nothing of it, until nothing more goes out. */
async function askAndTakeNothing(): Promise<{ readonly peer: Http2Peer; readonly answer: ServerResponse }> {
  const peer = await connectHttp2(port);
  const much = 2_000_000_000;
  peer.send(windowUpdate(0, much), requestHead(1, 'GET', '/endless', 'whole'), windowUpdate(1, much));
  await peer.until(({ type }) => type === 0);
  peer.socket.pause();
  peer.tcp.pause();
  let seen = -1;
  await vi.waitUntil(
    () => {
      const before = seen;
      seen = pieces;
      return before === seen;
    },
    { interval: 300, timeout: 10_000 },
  );
  if (endless === undefined) throw new Error('the API was not called');
  return { peer, answer: endless };
}

/** A payment for what a path offers. */
async function payFor(path: string): Promise<string> {
  const session = openHttp2(port);
  const unpaid = await askHttp2(session, { ':path': path });
  session.destroy();
  const [offer] = decodePaymentRequiredHeader(String(unpaid.headers['payment-required'])).accepts;
  if (offer === undefined) throw new Error('no offer');
  return encodePayment(await handSigned(generatePrivateKey(), { ...offer }));
}

beforeEach(async () => {
  pieces = 0;
  endless = undefined;
  called = Promise.withResolvers();
  api = createServer((req, res) => {
    if (req.url === '/endless') {
      endless = res;
      sendOn(res);
    } else if (req.url === '/large') res.end(Buffer.alloc(20_000_000));
    else if (req.url === '/quick') res.end('quick');
    else called.resolve({ req, res });
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  facilitator = await startScriptedFacilitator();
  gateway = await startTestGateway(`upstream: http://127.0.0.1:${(api.address() as AddressInfo).port}
payTo: "0x1111111111111111111111111111111111111111"
accepts: [base-sepolia]
facilitator: ${facilitator.url}
store: memory
limits: { connectionsPerAddress: 2 }
${TLS_SETTING}
routes:
  - { path: /paid, price: $0.01 }
  - { path: /*, price: free }
`);
  port = Number(new URL(gateway.url).port);
});

afterEach(async () => {
  await gateway.close(0);
  api.closeAllConnections();
  api.close();
  await facilitator.close();
});

const LEAVING: readonly (readonly [string, (peer: Http2Peer) => void])[] = [
  ['ends its half of the connection', (peer) => peer.socket.end()],
  ['closes the connection', (peer) => peer.socket.destroy()],
  ['resets the connection', (peer) => peer.tcp.resetAndDestroy()],
];

describe('a client of HTTP/2', () => {
  it.each(LEAVING)('that %s ends its call of the API', async (_name, leave) => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, 'GET', '/slow', 'whole'));
    const { res } = await called.promise;
    leave(peer);
    await once(res, 'close');
    expect(res.writableEnded).toBe(false);
  });

  it.each(LEAVING)('that %s in the middle of an answer ends it', async (_name, leave) => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, 'GET', '/stream', 'whole'));
    const { res } = await called.promise;
    res.write('first');
    await peer.until(({ type }) => type === 0);
    leave(peer);
    await once(res, 'close');
  });

  it.each(LEAVING)('that %s makes room for others of its address', async (_name, leave) => {
    for (let count = 0; count < 6; count++) {
      const peer = await connectHttp2(port);
      peer.send(requestHead(1, 'GET', '/quick', 'whole'));
      await peer.until(({ type }) => type === 0);
      leave(peer);
      await once(peer.socket, 'close');
    }
    const session = openHttp2(port);
    expect((await askHttp2(session, { ':path': '/quick' })).body).toBe('quick');
    session.destroy();
  });

  it('that ends its half right after the handshake is closed', async () => {
    const socket = await connectOverTls(port, 'h2');
    socket.end();
    socket.resume();
    await once(socket, 'close');
  });

  it('that left does not pay', async () => {
    const payment = await payFor('/paid');
    const session = openHttp2(port);
    const stream = session.request({ ':path': '/paid', 'payment-signature': payment }).on('error', () => {});
    const { res } = await called.promise;
    session.destroy();
    await once(res, 'close');
    res.end('too late');
    await gateway.close();
    expect(stream.destroyed).toBe(true);
    expect(facilitator.requests.map(({ endpoint }) => endpoint)).not.toContain('settle');
    expect(gateway.log.filter(({ path }) => path === '/paid').map(({ outcome }) => outcome)).toEqual([
      'refused',
      'client_gone',
    ]);
  });

  it('that left does not keep the gateway from stopping', async () => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, 'GET', '/slow', 'whole'));
    await called.promise;
    peer.socket.end();
    // The drain timeout is longer than a test.
    await gateway.close(600_000);
  });

  it('that does not read is cut when the time to stop is over', async () => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, 'GET', '/large', 'whole'));
    await peer.until(({ type }) => type === 0);
    peer.socket.pause();
    await gateway.close(100);
  });
});

/** Lets time pass until this holds, and what each second sets off come to rest. */
async function passUntil(holds: () => boolean, seconds: number): Promise<void> {
  for (let second = 0; second < seconds && !holds(); second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const BY_ANOTHER_SCHEME = frame(
  HEADERS,
  END_HEADERS | END_STREAM,
  1,
  fields([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'gw.test'],
    [':path', '/quick'],
  ]),
);

/** A client whose window for each answer is empty. */
async function connectWithoutWindow(): Promise<Http2Peer> {
  const peer = await connectHttp2(port);
  const noWindow = Buffer.alloc(6);
  noWindow.writeUInt16BE(4);
  peer.send(frame(4, 0, 0, noWindow));
  return peer;
}

describe('a client of HTTP/2 that allows no byte of an answer', () => {
  const isReset =
    ({ frames }: Http2Peer) =>
    () =>
      frames.some(({ type, stream }) => type === RST_STREAM && stream === 1);

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['a small answer', requestHead(1, 'GET', '/quick', 'whole')],
    ['a large answer', requestHead(1, 'GET', '/large', 'whole')],
    ['a price', requestHead(1, 'GET', '/paid', 'whole')],
    ['a refusal', requestHead(1, 'GET', '/a;b', 'whole')],
    ['a refusal of a head that HTTP/1.1 cannot express', BY_ANOTHER_SCHEME],
  ])('does not have %s kept for it without end', async (_name, head) => {
    const peer = await connectWithoutWindow();
    peer.send(head);
    await peer.until(({ type }) => type === HEADERS);
    await passUntil(isReset(peer), 200);
    expect(isReset(peer)()).toBe(true);
    await passUntil(() => peer.socket.destroyed, 100);
    expect(peer.frames.map(({ type }) => type)).toContain(GOAWAY);
  });

  it('is not taken for one whose answer is silent', async () => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, 'GET', '/stream', 'whole'));
    const { res } = await called.promise;
    res.write('first');
    await peer.until(({ type }) => type === DATA);
    await passUntil(isReset(peer), 600);
    res.end('last');
    const end = await peer.until(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0);
    expect(end.stream).toBe(1);
    expect(peer.frames.map(({ payload }) => payload.toString()).join('')).toContain('last');
  });
});

describe('a client of HTTP/2 that takes nothing of an answer', () => {
  const WAYS: typeof LEAVING = [...LEAVING, ['resets the request', (peer) => peer.send(reset(1, 8))]];

  it.each(WAYS)('and %s ends its call of the API', async (_name, leave) => {
    const { peer, answer } = await askAndTakeNothing();
    leave(peer);
    await once(answer, 'close');
    expect(answer.writableEnded).toBe(false);
  });

  it.each(LEAVING)('and %s does not keep the gateway from stopping', async (_name, leave) => {
    const { peer } = await askAndTakeNothing();
    leave(peer);
    await gateway.close(600_000);
  });

  it.each(LEAVING)('and %s does not pay for another one', async (_name, leave) => {
    const payment = await payFor('/paid');
    const { peer } = await askAndTakeNothing();
    const head = fields([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', `127.0.0.1:${port}`],
      [':path', '/paid'],
      ['payment-signature', payment],
    ]);
    peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, head));
    const { res } = await called.promise;
    leave(peer);
    await once(res, 'close');
    await gateway.close(600_000);
    expect(facilitator.requests.map(({ endpoint }) => endpoint)).not.toContain('settle');
    expect(gateway.log.filter(({ path }) => path === '/paid').map(({ outcome }) => outcome)).toEqual([
      'refused',
      'client_gone',
    ]);
  });
});
