import { once } from 'node:events';
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

  it('cut the connection when too many of them wait', async () => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    let release = (): void => {};
    siege.answer((_req, res) => {
      release = () => res.end();
    });
    peer.send(request('GET /free/x').repeat(1_000));
    await once(peer.socket, 'close');
    release();
    expect(siege.seen.length - before).toBeLessThanOrEqual(1);
    siege.answer((_req, res) => res.end('served'));
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

  it('do not end the process when an upgrade comes behind a request that is still being answered', async () => {
    siege.answer(() => {});
    const before = siege.seen.length;
    const peer = await siege.connect();
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x'];
    peer.send(request('GET /free/slow') + request('GET /free/socket', upgrade));
    await peer.ended;
    siege.answer((_req, res) => res.end('served'));
    expect(statusOf(await siege.ask(lastRequest('GET /free/after')))).toBe(200);
    expect(siege.seen.slice(before).map(({ url }) => url)).not.toContain('/free/socket');
  });
});
