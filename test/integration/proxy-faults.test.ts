import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { HealthBook } from '../../src/proxy/server-health.ts';
import { openUpstreamClient, type UpstreamResponse } from '../../src/proxy/upstream-connection.ts';
import { ClientGoneError, mayHaveReachedUpstream } from '../../src/proxy/upstream-fault.ts';
import { type BareGateway, type BareGatewayOptions, openBareGateway } from '../support/bare-gateway.ts';
import { freePort } from '../support/free-port.ts';
import { openOddUpstream, type TestUpstream, UNCOUNTED, upstreamAt } from '../support/odd-upstream.ts';
import { FIELDS } from '../support/payment-fields.ts';
import { connectRaw, exchangeRaw, type RawPeer } from '../support/raw-http.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function gatewayTo(upstream: TestUpstream, options?: BareGatewayOptions): Promise<BareGateway> {
  const gateway = await openBareGateway(upstream.upstream, options);
  open.push(upstream, gateway);
  return gateway;
}

/** An upstream that does something with each connection once it has a whole request head. */
function afterHead(act: (peer: RawPeer) => void): Promise<TestUpstream> {
  return openOddUpstream(async (peer) => {
    await peer.until('\r\n\r\n');
    act(peer);
  });
}

const GET = 'GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n';

describe('an upstream that fails before its response', () => {
  it('is unreachable, and has seen nothing, when it refuses the connection', async () => {
    const gateway = await openBareGateway(upstreamAt(await freePort()));
    open.push(gateway);
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toBe('HTTP/1.1 502 Bad Gateway');
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_unreachable', reached: false });
  });

  it('is unreachable, and may have seen the request, when it closes without an answer', async () => {
    const gateway = await gatewayTo(await afterHead((peer) => peer.socket.destroy()));
    await exchangeRaw(gateway.port, GET);
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_unreachable', reached: true });
  });

  it('is too slow when its headers do not come in time, and is told to stop', async () => {
    const upstreams = Promise.withResolvers<RawPeer>();
    const gateway = await gatewayTo(await afterHead(upstreams.resolve), { timeoutMs: 300 });
    expect((await exchangeRaw(gateway.port, GET)).statusLine).toContain('504');
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_timeout', reached: true });
    await (await upstreams.promise).ended;
  });

  it('is too slow, and has seen nothing, for a request that waited for a free connection', async () => {
    const heads = Promise.withResolvers<RawPeer>();
    const upstream = await afterHead(heads.resolve);
    const client = openUpstreamClient({ ...upstream.upstream, connections: 1 }, new HealthBook());
    open.push(client, upstream);
    const gone = new AbortController();
    const request = {
      method: 'GET',
      path: '/',
      headers: [],
      body: undefined,
      place: UNCOUNTED,
      fields: FIELDS,
      timeoutMs: 60_000,
      departure: gone.signal,
    };
    const first = client.open(request);
    await heads.promise;
    const fault = await client.open({ ...request, timeoutMs: 20 }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'upstream_timeout' });
    expect(mayHaveReachedUpstream(fault)).toBe(false);
    expect(upstream.connections()).toBe(1);
    gone.abort();
    await expect(first).rejects.toBeInstanceOf(ClientGoneError);
  });

  it.each([
    ['is not HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    [
      'has a bare line feed in a header',
      'HTTP/1.1 200 OK\r\nA: b\nPAYMENT-RESPONSE: forged\r\nContent-Length: 0\r\n\r\n',
    ],
    ['has a bare carriage return in a header', 'HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: c\r\nContent-Length: 0\r\n\r\n'],
    ['has a NUL in a header', 'HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n'],
    ['has two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['switches protocols unasked', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['has a head without end', `HTTP/1.1 200 OK\r\n${'A: aaaaaaaaaaaaaaaa\r\n'.repeat(6000)}`],
  ])('gives an invalid answer when it %s', async (_what, bytes) => {
    const gateway = await gatewayTo(await afterHead((peer) => peer.send(bytes)));
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toBe('HTTP/1.1 502 Bad Gateway');
    expect(response.all('payment-response')).toEqual([]);
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_invalid_answer', reached: true });
  });
});

describe('an upstream that breaks off inside its body', () => {
  it.each([
    ['with a length', 'Content-Length: 100\r\n\r\npart'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
  ])('leaves the client with a truncated response %s', async (_how, rest) => {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const client = Promise.withResolvers<RawPeer>();
      const upstream = await afterHead(async (peer) => {
        peer.send(`HTTP/1.1 200 OK\r\n${rest}`);
        // Only a part that has arrived can be seen as a part.
        await (await client.promise).until('part');
        peer.socket[end]();
      });
      const gateway = await gatewayTo(upstream);
      const peer = await connectRaw(gateway.port);
      client.resolve(peer);
      peer.send('GET /x HTTP/1.1\r\nHost: gw\r\n\r\n');
      const received = (await peer.ended).toString();
      expect(received.endsWith('part') || received.endsWith('part\r\n')).toBe(true);
      expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
    }
  });

  it.each([
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\npart'],
    ['HTTP/1.1', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart'],
  ])('is not taken for one with a complete body when a reset ends its connection (%s)', async (_version, bytes) => {
    const client = Promise.withResolvers<RawPeer>();
    const upstream = await afterHead(async (peer) => {
      peer.send(bytes);
      await (await client.promise).until('part');
      peer.socket.resetAndDestroy();
    });
    const gateway = await gatewayTo(upstream);
    const peer = await connectRaw(gateway.port);
    client.resolve(peer);
    peer.send('GET /x HTTP/1.1\r\nHost: gw\r\n\r\n');
    expect((await peer.ended).toString()).not.toContain('\r\n0\r\n');
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });

  it('is noticed when it resets while a response without a length is held back', async () => {
    const upstreams = Promise.withResolvers<RawPeer>();
    const upstream = await afterHead((peer) => {
      upstreams.resolve(peer);
      peer.send('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart');
    });
    const hold = async (response: UpstreamResponse): Promise<boolean> => {
      (await upstreams.promise).socket.resetAndDestroy();
      while (!response.broken) await setImmediate();
      return true;
    };
    const gateway = await gatewayTo(upstream, { hold });
    await exchangeRaw(gateway.port, GET);
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });

  it('resets an HTTP/1.0 client, which could not tell a cut from an end', async () => {
    const client = Promise.withResolvers<RawPeer>();
    const upstream = await afterHead(async (peer) => {
      peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
      await (await client.promise).until('part');
      peer.socket.destroy();
    });
    const gateway = await gatewayTo(upstream);
    const peer = await connectRaw(gateway.port);
    client.resolve(peer);
    peer.send('GET /x HTTP/1.0\r\nHost: gw\r\n\r\n');
    await peer.ended;
    expect(peer.broken).toBe(true);
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });

  it('is noticed too while the response is held back', async () => {
    const broke = Promise.withResolvers<void>();
    const upstream = await afterHead((peer) => {
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
      peer.socket.end(() => broke.resolve());
    });
    const gateway = await gatewayTo(upstream, { hold: () => broke.promise.then(() => true) });
    await exchangeRaw(gateway.port, GET);
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });
});

describe('a client that goes away', () => {
  it('before the response: the upstream is told', async () => {
    const upstreams = Promise.withResolvers<RawPeer>();
    const gateway = await gatewayTo(await afterHead(upstreams.resolve));
    const client = await connectRaw(gateway.port);
    client.send(GET);
    const upstream = await upstreams.promise;
    client.socket.destroy();
    await upstream.ended;
    expect(await gateway.next()).toEqual({ kind: 'gone_before_answer' });
  });

  it('while the response is held back: the upstream is told', async () => {
    const upstreams = Promise.withResolvers<RawPeer>();
    const held = Promise.withResolvers<void>();
    const upstream = await afterHead((peer) => {
      upstreams.resolve(peer);
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
    });
    const hold = async (): Promise<boolean> => {
      held.resolve();
      await (await upstreams.promise).ended;
      return true;
    };
    const gateway = await gatewayTo(upstream, { hold });
    const client = await connectRaw(gateway.port);
    client.send(GET);
    await held.promise;
    client.socket.destroy();
    expect(await gateway.next()).toEqual({ kind: 'client_gone' });
  });

  it('inside the body: the upstream is told', async () => {
    const upstreams = Promise.withResolvers<RawPeer>();
    const upstream = await afterHead((peer) => {
      upstreams.resolve(peer);
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
    });
    const gateway = await gatewayTo(upstream);
    const client = await connectRaw(gateway.port);
    client.send(GET);
    await client.until('part');
    client.socket.destroy();
    await (await upstreams.promise).ended;
    expect(await gateway.next()).toEqual({ kind: 'client_gone' });
  });

  it('before anything was sent: nothing is sent', async () => {
    const upstream = await afterHead(() => {});
    const client = openUpstreamClient(upstream.upstream, new HealthBook());
    open.push(upstream, client);
    const request = {
      method: 'GET',
      path: '/',
      headers: [],
      body: undefined,
      place: UNCOUNTED,
      fields: FIELDS,
      timeoutMs: 1000,
      departure: AbortSignal.abort(),
    };
    await expect(client.open(request)).rejects.toBeInstanceOf(ClientGoneError);
    expect(upstream.connections()).toBe(0);
  });
});

it('refuses requests after it was closed', async () => {
  const client = openUpstreamClient(upstreamAt(await freePort()), new HealthBook());
  await client.close();
  const request = {
    method: 'GET',
    path: '/',
    headers: [],
    body: undefined,
    place: UNCOUNTED,
    fields: FIELDS,
    timeoutMs: 1000,
  };
  await expect(client.open(request)).rejects.toMatchObject({ code: 'shutting_down' });
});
