import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handSigned } from '../support/payment-header.ts';
import { connectRaw, type RawPeer } from '../support/raw-http.ts';
import { codeOf, lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Free calls that hold connections to the API: paid calls keep theirs, and a call without a connection is not charged. */

const THREE = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
const FIVE = [...THREE, '127.0.0.5', '127.0.0.6'];
const CALLS = 570;
/** What the defaults leave to free calls: three quarters of 512 connections. */
const FREE = 384;
const OF_CLIENT = 128;
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAA'];

const ROUTES = `
routes:
  - { path: /free/*, price: free }
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /deferred, price: $0.001, settle: deferred }
  - { path: /socket, price: $0.001, settle: before }
  - { path: /pass, price: $0.001, access: { for: 1h, requests: 2 } }
`;

let siege: Siege;
let standing: RawPeer[] = [];
afterEach(async () => {
  for (const { socket } of standing) socket.destroy();
  standing = [];
  await siege.close();
});

/** Sends a request from each address in turn, and never goes on with it. */
async function standAround(bytes: string, addresses: readonly string[], calls = CALLS): Promise<void> {
  for (let left = calls; left > 0; left -= 100) {
    const some = Array.from({ length: Math.min(100, left) }, async (_, index) => {
      const peer = await connectRaw(siege.port, addresses[(left + index) % addresses.length]);
      peer.send(bytes);
      return peer;
    });
    standing.push(...(await Promise.all(some)));
  }
}

/** Waits until that many of the waiting clients were refused. */
async function refused(count: number): Promise<void> {
  const answered = standing.map((peer) => peer.until('too_many_upstream_calls').then(() => undefined));
  let left = count;
  await new Promise<void>((resolve) => {
    for (const answer of answered) {
      answer.then(
        () => {
          left -= 1;
          if (left === 0) resolve();
        },
        () => {},
      );
    }
  });
}

const SLOW_UPLOAD = request('POST /free/upload', ['Content-Length: 1000000'], 'the first bytes');
const EVENTS = request('GET /free/events');

function settlements(): number {
  return siege.facilitator?.requests.filter(({ endpoint }) => endpoint === 'settle').length ?? 0;
}

/** Buys once with each way of settling. Returns the statuses. */
async function buyAll(headers: readonly string[] = []): Promise<Readonly<Record<string, number>>> {
  const statuses: Record<string, number> = {};
  for (const path of ['/after', '/before', '/deferred', '/pass']) {
    const payment = paying(await siege.sign(path));
    statuses[path] = statusOf(await siege.ask(lastRequest(`GET ${path}`, [payment, ...headers])));
  }
  const payment = paying(await siege.sign('/socket'));
  statuses['/socket'] = statusOf(await siege.ask(request('GET /socket', [payment, ...UPGRADE, ...headers])));
  return statuses;
}

const SERVED = { '/after': 200, '/before': 200, '/deferred': 200, '/pass': 200, '/socket': 101 };

/** An API that keeps event streams open and reads uploads to their end. */
function answerEvents(): void {
  siege.answer((req, res) => {
    if (req.url === '/free/events') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.flushHeaders();
    } else req.on('end', () => res.end('served')).resume();
  });
}

describe('with 570 free calls that never end', () => {
  it.each([
    ['slow uploads from three addresses', SLOW_UPLOAD, THREE],
    ['idle event streams from five addresses', EVENTS, FIVE],
  ])('paid calls are served: %s', async (_name, bytes, addresses) => {
    siege = await laySiege(ROUTES);
    answerEvents();
    await standAround(bytes, addresses);
    await Promise.all([siege.asked(FREE), refused(CALLS - FREE)]);
    expect(await buyAll()).toEqual(SERVED);
    expect(siege.seen.filter(({ url }) => url.startsWith('/free/')).length).toBe(FREE);
  });

  it('paid and free calls are served: slow uploads of one client behind a trusted proxy', async () => {
    siege = await laySiege(`trustedProxies: [127.0.0.1]\n${ROUTES}`);
    answerEvents();
    const one = request(
      'POST /free/upload',
      ['X-Forwarded-For: 198.51.100.7', 'Content-Length: 1000000'],
      'the first bytes',
    );
    await standAround(one, ['127.0.0.1']);
    await Promise.all([siege.asked(OF_CLIENT), refused(CALLS - OF_CLIENT)]);
    const another = ['X-Forwarded-For: 198.51.100.8'];
    expect(await buyAll(another)).toEqual(SERVED);
    expect(statusOf(await siege.ask(lastRequest('GET /free/x', another)))).toBe(200);
  });

  it('other buyers are served: 512 paid calls without an answer, of few wallets and four addresses', async () => {
    siege = await laySiege(ROUTES.replace('/after,', '/after/*,'));
    const keys = Array.from({ length: 8 }, () => generatePrivateKey());
    const addresses = [...THREE, '127.0.0.5'];
    const settledDown = Promise.withResolvers<void>();
    let [held, refused] = [0, 0];
    const check = (): void => {
      if (held + refused === 512) settledDown.resolve();
    };
    siege.answer((req, res) => {
      if (req.url === '/after/held') held += 1;
      else req.on('end', () => res.end('served')).resume();
      check();
    });
    const offer = await siege.quote('/after/held');
    for (let call = 0; call < 512; call += 1) {
      const payment = paying(await handSigned(keys[call % keys.length] ?? '0x', offer));
      const peer = await connectRaw(siege.port, addresses[call % addresses.length]);
      standing.push(peer);
      const count = (): void => {
        refused += 1;
        check();
      };
      peer.until('\r\n\r\n').then(count, () => {});
      peer.send(request('GET /after/held', [payment]));
    }
    await settledDown.promise;
    expect(held).toBeLessThan(400);
    const payment = paying(await siege.sign('/after/other'));
    expect(statusOf(await siege.ask(lastRequest('GET /after/other', [payment])))).toBe(200);
    expect(await buyAll()).toEqual(SERVED);
  }, 60_000);

  it('a client at its limit gets no WebSocket and loses no request of its pass, and other clients get theirs', async () => {
    siege = await laySiege(`limits: { upstreamCallsPerClient: 20 }${ROUTES}`);
    answerEvents();
    const bought = await siege.ask(lastRequest('GET /pass', [paying(await siege.sign('/pass'))]));
    const pass = `X402-Access-Token: ${bought.all('x402-access-token')[0]}`;
    await standAround(EVENTS, ['127.0.0.2'], 20);
    await siege.asked(21);
    const upgradeFrom = async (address: string, path: string, headers: readonly string[] = []): Promise<string> => {
      const peer = await connectRaw(siege.port, address);
      standing.push(peer);
      peer.send(request(`GET ${path}`, [...UPGRADE, ...headers]));
      return (await peer.until('\r\n\r\n')).slice(0, 12);
    };
    expect(await upgradeFrom('127.0.0.2', '/free/socket')).toBe('HTTP/1.1 503');
    for (let round = 0; round < 3; round += 1) {
      expect(await upgradeFrom('127.0.0.2', '/pass', [pass])).toBe('HTTP/1.1 503');
    }
    for (const status of [101, 101, 402]) {
      expect(await upgradeFrom('127.0.0.3', '/pass', [pass])).toBe(`HTTP/1.1 ${status}`);
    }
    expect(await upgradeFrom('127.0.0.3', '/free/socket')).toBe('HTTP/1.1 101');
  });
});

describe('a paid call that finds no connection', () => {
  beforeEach(async () => {
    const upstream = 'upstream: { url: UPSTREAM, connections: 2 }, price:';
    siege = await laySiege(`limits: { upstreamCallsPerClient: 100 }${ROUTES.replaceAll('price:', upstream)}`);
  });

  /** Lets two calls hold the only connections, until they are released. */
  async function occupy(): Promise<() => Promise<void>> {
    const released = Promise.withResolvers<void>();
    siege.answer((req, res) => {
      if (req.url === '/free/held') void released.promise.then(() => res.end('held'));
      else res.end('served');
    });
    const before = siege.seen.length;
    const held = [siege.ask(lastRequest('GET /free/held')), siege.ask(lastRequest('GET /free/held'))];
    await siege.asked(before + 2);
    return async () => {
      released.resolve();
      await Promise.all(held);
    };
  }

  it.each(['/after', '/before', '/deferred', '/pass'])('is refused at once and not charged: %s', async (path) => {
    const letGo = await occupy();
    const payment = paying(await siege.sign(path));
    const answer = await siege.ask(lastRequest(`GET ${path}`, [payment]));
    expect([statusOf(answer), codeOf(answer)]).toEqual([503, 'too_many_upstream_calls']);
    expect(answer.all('retry-after')).toEqual(['1']);
    expect(answer.all('payment-required')).toEqual([]);
    expect([settlements(), siege.seen.length]).toEqual([0, 2]);
    await letGo();
    expect(statusOf(await siege.ask(lastRequest(`GET ${path}`, [payment])))).toBe(200);
  });

  it('uses up no request of a pass', async () => {
    const bought = await siege.ask(lastRequest('GET /pass', [paying(await siege.sign('/pass'))]));
    const token = `X402-Access-Token: ${bought.all('x402-access-token')[0]}`;
    const letGo = await occupy();
    for (let round = 0; round < 3; round += 1) {
      expect(codeOf(await siege.ask(lastRequest('GET /pass', [token])))).toBe('too_many_upstream_calls');
    }
    await letGo();
    for (const status of [200, 200, 402]) {
      expect(statusOf(await siege.ask(lastRequest('GET /pass', [token])))).toBe(status);
    }
  });

  it('does not count as a delivery of a payment whose answer is still to be collected', async () => {
    siege.answer((_req, res) => res.destroy());
    const payment = paying(await siege.sign('/before'));
    expect(statusOf(await siege.ask(lastRequest('GET /before', [payment])))).toBe(502);
    const letGo = await occupy();
    for (let round = 0; round < 6; round += 1) {
      expect(codeOf(await siege.ask(lastRequest('GET /before', [payment])))).toBe('too_many_upstream_calls');
    }
    await letGo();
    expect(statusOf(await siege.ask(lastRequest('GET /before', [payment])))).toBe(200);
    expect(settlements()).toBe(1);
  });
});
