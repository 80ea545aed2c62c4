import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { lastRequest, laySiege, paying } from '../security/siege.ts';
import { type BareGateway, openBareGateway } from '../support/bare-gateway.ts';
import { openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, exchangeRaw, type RawPeer } from '../support/raw-http.ts';

/*
 * An API closes a connection that it kept, in the very moment when the next request is written on it. From here that
 * looks like this: the request is sent, nothing comes back, the connection ends.
 */

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** A request on a connection of its own to the gateway. */
function requestOf(method: string, body?: string): string {
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
  return `${method} /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n${length}\r\n${body ?? ''}`;
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh';

/** What the API does with the second request of a connection, on which the first was answered. */
type Ending = (peer: RawPeer) => void;

interface Stage {
  readonly gateway: BareGateway;
  readonly upstream: TestUpstream;
  /** Requests as they came, over all connections. */
  readonly seen: string[];
}

/**
 * An API that answers the first request of its first connection and keeps it, ends it at the second one, and treats each
 * further connection as `then` says. The first request has been made.
 */
async function afterOneAnswer(ending: Ending, then: Ending = (peer) => peer.send(ANSWER)): Promise<Stage> {
  const seen: string[] = [];
  let connections = 0;
  const upstream = await openOddUpstream(async (peer) => {
    connections += 1;
    const isFirst = connections === 1;
    for (let requests = 1; ; requests += 1) {
      seen.push((await peer.until('\r\n\r\n')).split(' ', 1)[0] ?? '');
      peer.clear();
      if (!isFirst) then(peer);
      else if (requests === 1) peer.send(ANSWER);
      else ending(peer);
    }
  });
  const gateway = await openBareGateway(upstream.upstream);
  open.push(upstream, gateway);
  expect((await exchangeRaw(gateway.port, requestOf('GET'))).statusLine).toContain('200');
  expect(await gateway.next()).toMatchObject({ kind: 'complete' });
  return { gateway, upstream, seen };
}

const ENDINGS: readonly (readonly [string, Ending])[] = [
  ['closed', (peer) => peer.socket.end()],
  ['reset', (peer) => peer.socket.resetAndDestroy()],
];

describe.each(ENDINGS)('a kept connection that is %s when a request is written', (_name, ending) => {
  it.each([
    'GET',
    'HEAD',
    'OPTIONS',
    'PUT',
    'DELETE',
  ])('has a %s without a body sent again on a new one', async (method) => {
    const { gateway, upstream, seen } = await afterOneAnswer(ending);
    const response = await exchangeRaw(gateway.port, requestOf(method));
    expect(response.statusLine).toContain('200');
    expect(seen).toEqual(['GET', method, method]);
    expect(upstream.connections()).toBe(2);
  });

  it.each([
    ['a POST', 'POST', undefined],
    ['a PATCH', 'PATCH', undefined],
    ['a LOCK', 'LOCK', undefined],
    ['a POST with a body', 'POST', 'body'],
    ['a PUT with a body', 'PUT', 'body'],
    ['a GET with a body', 'GET', 'body'],
  ])('never has %s sent again', async (_what, method, body) => {
    const { gateway, seen } = await afterOneAnswer(ending);
    const response = await exchangeRaw(gateway.port, requestOf(method, body));
    expect(response.statusLine).toContain('502');
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_unreachable', reached: true });
    expect(seen).toEqual(['GET', method]);
  });

  it('has it sent again once, and no more', async () => {
    const { gateway, seen } = await afterOneAnswer(ending, ending);
    expect((await exchangeRaw(gateway.port, requestOf('GET'))).statusLine).toContain('502');
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_unreachable', reached: true });
    expect(seen).toEqual(['GET', 'GET', 'GET']);
  });

  it('has nothing sent again when the client has gone meanwhile', async () => {
    const reached = Promise.withResolvers<RawPeer>();
    const { gateway, seen } = await afterOneAnswer(reached.resolve);
    const client = await connectRaw(gateway.port);
    client.send(requestOf('GET'));
    const peer = await reached.promise;
    client.socket.destroy();
    expect(await gateway.next()).toEqual({ kind: 'gone_before_answer' });
    ending(peer);
    await peer.ended;
    expect(seen).toEqual(['GET', 'GET']);
  });
});

describe('a kept connection that ends', () => {
  it.each([
    ['half a status line', 'HTTP/1.1 2'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['an informational response', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ])('after %s has nothing sent again', async (_name, bytes) => {
    const { gateway, seen } = await afterOneAnswer((peer) => peer.socket.end(bytes));
    expect((await exchangeRaw(gateway.port, requestOf('GET'))).statusLine).not.toContain('200');
    expect(await gateway.next()).toMatchObject({ kind: 'fault', reached: true });
    expect(seen).toEqual(['GET', 'GET']);
  });

  it('inside a body cuts the answer, and has nothing sent again', async () => {
    const { gateway, seen } = await afterOneAnswer((peer) =>
      peer.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
    );
    await exchangeRaw(gateway.port, requestOf('GET'));
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
    expect(seen).toEqual(['GET', 'GET']);
  });

  it('has the upstream seen as possibly reached when there is no new connection', async () => {
    const { gateway, upstream } = await afterOneAnswer((peer) => {
      void upstream.close().then(() => peer.socket.destroy());
    });
    open.splice(open.indexOf(upstream), 1);
    expect((await exchangeRaw(gateway.port, requestOf('GET'))).statusLine).toContain('502');
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_unreachable', reached: true });
  });
});

it('a new connection that is closed without an answer is the fault of the API: nothing is sent again', async () => {
  const seen: string[] = [];
  const upstream = await openOddUpstream(async (peer) => {
    seen.push(await peer.until('\r\n\r\n'));
    peer.socket.end();
  });
  const gateway = await openBareGateway(upstream.upstream);
  open.push(upstream, gateway);
  expect((await exchangeRaw(gateway.port, requestOf('GET'))).statusLine).toContain('502');
  expect(seen.length).toBe(1);
});

describe.each(['/after', '/before'])('a paid call of %s on a kept connection that is closed', (path) => {
  it('is served and charged once, and no POST that may have run is sent twice, or paid for in vain', async () => {
    const siege = await laySiege(`
routes:
  - { path: /free, price: free }
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
`);
    open.push(siege);
    const used = new WeakSet<Socket>();
    siege.answer((req, res) => {
      if (used.has(req.socket)) return void req.socket.destroy();
      used.add(req.socket);
      return void res.end('served');
    });
    const call = async (method: string, body = ''): Promise<string> => {
      const payment = paying(await siege.sign(path, { method }));
      const length = `Content-Length: ${body.length}`;
      return (await siege.ask(lastRequest(`${method} ${path}`, [payment, length], body))).statusLine;
    };
    const settled = (): number | undefined =>
      siege.facilitator?.requests.filter(({ endpoint }) => endpoint === 'settle').length;
    await siege.ask(lastRequest('GET /free'));
    expect(await call('GET')).toContain('200');
    expect([siege.seen.length, settled()]).toEqual([3, 1]);
    await siege.ask(lastRequest('GET /free'));
    // Once the money has moved it goes on a connection of its own.
    expect(await call('POST', 'a body')).toContain(path === '/before' ? '200' : '502');
    expect(siege.seen.filter(({ method }) => method === 'POST').length).toBe(1);
    expect(settled()).toBe(path === '/before' ? 2 : 1);
  });
});
