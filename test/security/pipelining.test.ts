import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answersIn, lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Many requests in one packet: Node hands them all over at once, while answers can leave only one after another. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /free/*, price: free }
  - { path: /paid/*, price: $0.001 }
`);
});
beforeEach(() => siege.answer((req, res) => res.end(`served ${req.url}`)));
afterAll(() => siege.close());

/** How many calls the API had at the same time, at most. */
function watchCalls(): { most: number } {
  const calls = { now: 0, most: 0 };
  siege.answer((req, res) => {
    calls.now += 1;
    calls.most = Math.max(calls.most, calls.now);
    setImmediate(() => {
      calls.now -= 1;
      res.end(`served ${req.url}`);
    });
  });
  return calls;
}

describe('pipelined requests', () => {
  it('reach the API one at a time and in order, and are all answered', async () => {
    const calls = watchCalls();
    const paths = Array.from({ length: 30 }, (_, index) => `/free/${index}`);
    const before = siege.seen.length;
    const answer = await siege.ask(
      paths.map((path) => request(`GET ${path}`)).join('') + lastRequest('GET /free/last'),
    );
    expect(calls.most).toBe(1);
    expect(siege.seen.slice(before).map(({ url }) => url)).toEqual([...paths, '/free/last']);
    expect(answer.body.toString('latin1').match(/served \/free\/\w+/g)).toHaveLength(31);
  });

  it('with a payment each are verified and settled one at a time', async () => {
    const calls = watchCalls();
    const payments = await Promise.all(Array.from({ length: 5 }, () => siege.sign('/paid/x')));
    const peer = await siege.connect();
    peer.send(payments.map((payment, index) => request(`GET /paid/${index}`, [paying(payment)])).join(''));
    peer.send(lastRequest('GET /free/last'));
    const answers = answersIn(await peer.ended);
    expect(answers.map(statusOf)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(calls.most).toBe(1);
  });

  it('are answered up to a bound when too many come, and then the connection ends', async () => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    const first = Promise.withResolvers<void>();
    siege.answer((req, res) => void first.promise.then(() => res.end(`served ${req.url}`)));
    peer.send(request('GET /free/x').repeat(1_000));
    await siege.asked(before + 1);
    peer.send(request('GET /free/late').repeat(1_000));
    first.resolve();
    const answers = answersIn(await peer.ended);
    expect(answers.map(statusOf)).toEqual(Array.from({ length: 33 }, () => 200));
    expect(answers.at(-1)?.all('connection')).toEqual(['close']);
    expect(siege.seen.length - before).toBe(33);
    expect(statusOf(await siege.ask(lastRequest('GET /free/after')))).toBe(200);
  });

  it('are dropped when their connection ends before their turn', async () => {
    const answered = Promise.withResolvers<void>();
    siege.answer((_req, res) => void answered.promise.then(() => res.end('late')));
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(request('GET /free/first') + request('GET /free/second'));
    await siege.asked(before + 1);
    peer.socket.destroy();
    answered.resolve();
    siege.answer((_req, res) => res.end('served'));
    expect(statusOf(await siege.ask(lastRequest('GET /free/after')))).toBe(200);
    expect(siege.seen.slice(before).map(({ url }) => url)).toEqual(['/free/first', '/free/after']);
  });

  it.each([
    ['websocket', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x']],
    ['h2c', ['Connection: Upgrade', 'Upgrade: h2c']],
  ])('are answered before the connection ends at an upgrade to %s behind them', async (_protocol, upgrade) => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(request('GET /free/1') + request('GET /free/2') + request('GET /free/socket', upgrade));
    peer.send(request('GET /free/behind'));
    const answers = answersIn(await peer.ended);
    expect(answers.map(({ body }) => body.toString())).toEqual(['served /free/1', 'served /free/2']);
    expect(siege.seen.slice(before).map(({ url }) => url)).toEqual(['/free/1', '/free/2']);
  });
});

describe('bytes that cannot be served behind a request', () => {
  /** Answers `/free/slow` when `release` is called, and everything else at once. */
  function slowly(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    siege.answer((req, res) => {
      if (req.url === '/free/slow') void promise.then(() => res.end('served /free/slow'));
      else res.end(`served ${req.url}`);
    });
    return resolve;
  }

  it.each([
    ['a request behind the last one', lastRequest('GET /free/slow') + request('GET /free/behind')],
    ['garbage', `${request('GET /free/slow')}GARBAGE\r\n\r\n`],
    ['a head that is too large', request('GET /free/slow') + request('GET /free/x', [`X: ${'y'.repeat(40_000)}`])],
    ['an invalid chunk', request('GET /free/slow') + request('POST /free/x', ['Transfer-Encoding: chunked'], 'zz\r\n')],
  ])('leave it its answer, and then the connection ends: %s', async (_what, bytes) => {
    const release = slowly();
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(bytes);
    await siege.asked(before + 1);
    peer.send('more of it');
    release();
    const answers = answersIn(await peer.ended);
    expect(answers.map(({ body }) => body.toString())).toEqual(['served /free/slow']);
    expect(answers[0]?.all('connection')).toEqual(['close']);
    expect(siege.seen.slice(before).map(({ url }) => url)).toEqual(['/free/slow']);
  });

  it('leave it the rest of an answer that has begun', async () => {
    const begun = Promise.withResolvers<ServerResponse>();
    siege.answer((_req, res) => {
      res.write('begun, ');
      begun.resolve(res);
    });
    const peer = await siege.connect();
    peer.send(request('GET /free/slow'));
    await peer.until('begun');
    peer.send('GARBAGE\r\n\r\n');
    await siege.ask('GARBAGE\r\n\r\n');
    (await begun.promise).end('ended');
    expect((await peer.ended).toString()).toMatch(/begun, [\s\S]*ended\r\n0\r\n\r\n$/);
    peer.socket.end();
  });

  it('leave it the answer that was paid for', async () => {
    siege.answer((_req, res) => res.end('sold'));
    const peer = await siege.connect();
    peer.send(lastRequest('GET /paid/x', [paying(await siege.sign('/paid/x'))]) + request('GET /free/behind'));
    const answers = answersIn(await peer.ended);
    expect(answers.map(({ body }) => body.toString())).toEqual(['sold']);
    expect(answers[0]?.all('payment-response')).toHaveLength(1);
  });

  it('do not hide that the client has left', async () => {
    siege.answer(() => {});
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(`${request('GET /free/slow')}GARBAGE\r\n\r\n`);
    await siege.asked(before + 1);
    peer.socket.end();
    await peer.ended;
    const line = () => siege.gateway.log.findLast(({ path }) => path === '/free/slow');
    await expect.poll(line).toMatchObject({ outcome: 'client_gone' });
  });
});
