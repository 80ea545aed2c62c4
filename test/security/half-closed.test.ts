import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawPeer } from '../support/raw-http.ts';
import { answersIn, lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Clients that half-close their connection, at any point: nothing waits for them, and nothing is sold twice. */

let siege: Siege;

beforeEach(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid, price: $0.01 }
  - { path: /before, price: $0.01, settle: before }
  - { path: /socket, price: $0.01, settle: before }
  - { path: /*, price: free, upstream: { url: UPSTREAM, connections: 1 } }
`);
});
afterEach(async () => await siege.close());

async function halfClosing(bytes: string): Promise<RawPeer> {
  const socket = connect({ port: siege.port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  const peer = new RawPeer(socket);
  socket.end(bytes, 'latin1');
  return peer;
}

describe('a client that half-closes its connection', () => {
  it.each([
    ['after an unpaid request', request('GET /paid'), 402],
    ['after an unpaid request with a body', request('POST /paid', ['Content-Length: 2'], 'hi'), 402],
    ['after two requests', request('GET /paid') + lastRequest('GET /free'), 402],
  ])('%s gets its answer', async (_name, bytes, status) => {
    const answers = answersIn(await (await halfClosing(bytes)).ended);
    expect(answers[0] && statusOf(answers[0])).toBe(status);
  });

  it.each([
    ['in the request line', 'GET /fr'],
    ['in a header', 'GET /free HTTP/1.1\r\nHost: gw.te'],
    ['before the blank line', 'GET /free HTTP/1.1\r\nHost: gw.test\r\n'],
    ['before anything', ''],
  ])('%s does not reach the API, and its connection is closed', async (_name, bytes) => {
    const answers = answersIn(await (await halfClosing(bytes)).ended);
    expect([[], [400]]).toContainEqual(answers.map(statusOf));
    expect(siege.seen).toEqual([]);
  });

  it.each([
    ['of known length', request('POST /free', ['Content-Length: 10'], 'half')],
    ['in chunks', request('POST /free', ['Transfer-Encoding: chunked'], 'a\r\nhalf')],
    ['between chunks', request('POST /free', ['Transfer-Encoding: chunked'], '4\r\nhalf\r\n')],
  ])('in the middle of a body %s never makes the API take it for complete', async (_name, bytes) => {
    const ends: string[] = [];
    siege.answer((req, res) => {
      req.on('end', () => ends.push('whole'));
      req.on('end', () => res.end('served'));
      req.on('error', () => ends.push('broken'));
    });
    const received = (await (await halfClosing(bytes)).ended).toString('latin1');
    expect(received).not.toContain('200 OK');
    // The only connection to the API is free again: nothing waits for the missing rest.
    siege.answer((req, res) => req.on('end', () => res.end('served')));
    expect(statusOf(await siege.ask(lastRequest('GET /after')))).toBe(200);
    expect(ends).not.toContain('whole');
  });

  it.each([
    '/paid',
    '/before',
  ])('after paying for %s is charged at most once, and can still collect the answer', async (path) => {
    const bytes = lastRequest(`GET ${path}`, [paying(await siege.sign(path))]);
    await (await halfClosing(bytes)).ended;
    const again = async (): Promise<number> => statusOf(await siege.ask(bytes));
    // The first request holds the payment until its outcome is known.
    await expect.poll(again).toBe(200);
    expect(await again()).toBe(409);
    expect(siege.facilitator?.requests.filter(({ endpoint }) => endpoint === 'settle').length).toBe(1);
  });

  it('after asking for an upgrade does not keep its tunnel open', async () => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const peer = await halfClosing(request('GET /free', upgrade));
    await peer.ended;
    const unpaid = answersIn(await (await halfClosing(request('GET /socket', upgrade))).ended);
    expect(unpaid.map(statusOf)).toEqual([402]);
  });
});
