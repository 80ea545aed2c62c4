import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type BareGateway, type BareGatewayOptions, openBareGateway } from '../support/bare-gateway.ts';
import { openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, exchangeRaw, parseRaw, type RawPeer } from '../support/raw-http.ts';

/** An error thrown by a connection that ends has no handler, and fails this file. */

const open: (BareGateway | TestUpstream)[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const GET = 'GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n';

async function gatewayTo(upstream: TestUpstream, options?: BareGatewayOptions): Promise<BareGateway> {
  const gateway = await openBareGateway(upstream.upstream, options);
  open.push(upstream, gateway);
  return gateway;
}

/** An upstream that answers with these bytes and its end, all at once, and tells when that is over. */
async function ending(bytes: string | Buffer): Promise<{ upstream: TestUpstream; ended: Promise<RawPeer> }> {
  const ended = Promise.withResolvers<RawPeer>();
  const upstream = await openOddUpstream(async (peer) => {
    await peer.until('\r\n\r\n');
    if (typeof bytes === 'string') peer.socket.end(bytes, 'latin1');
    else peer.socket.end(bytes);
    ended.resolve(peer);
  });
  return { upstream, ended: ended.promise };
}

/** Holds a response until the connection behind it has been left alone for some turns of the event loop. */
function untilEnded(ended: Promise<RawPeer>): BareGatewayOptions {
  return {
    hold: async () => {
      await ended;
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      return true;
    },
  };
}

describe('an upstream that ends its connection while its answer waits', () => {
  it.each([
    ['no body', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', '0\r\n\r\n'],
    ['a body until the end', 'HTTP/1.1 200 OK\r\n\r\nworth', '5\r\nworth\r\n0\r\n\r\n'],
    ['an HTTP/1.0 body until the end', 'HTTP/1.0 200 OK\r\n\r\nworth', '5\r\nworth\r\n0\r\n\r\n'],
    ['a length', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nworth', 'worth'],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nworth\r\n0\r\n\r\n',
      '5\r\nworth\r\n0\r\n\r\n',
    ],
  ])('has it delivered whole: %s', async (_name, bytes, body) => {
    const { upstream, ended } = await ending(bytes);
    const gateway = await gatewayTo(upstream, untilEnded(ended));
    expect((await exchangeRaw(gateway.port, GET)).body.toString()).toBe(body);
    expect(await gateway.next()).toMatchObject({ kind: 'complete' });
  });

  it('before the body that it announced is seen to have broken off', async () => {
    const { upstream, ended } = await ending('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n');
    const gateway = await gatewayTo(upstream, untilEnded(ended));
    expect((await exchangeRaw(gateway.port, GET)).body.toString()).toBe('');
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });

  it('while a slow client still takes the body has all of it delivered', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    const { upstream, ended } = await ending(
      Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\n'), body]),
    );
    const gateway = await gatewayTo(upstream);
    const client = await connectRaw(gateway.port);
    client.send('GET /x HTTP/1.0\r\nHost: gw\r\n\r\n');
    await once(client.socket, 'data');
    client.socket.pause();
    await ended;
    client.socket.resume();
    expect(parseRaw(await client.ended).body.equals(body)).toBe(true);
    expect(client.broken).toBe(false);
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: body.length });
  });
});

describe('an upstream that resets its connection', () => {
  it('while its answer waits breaks that answer off, and nothing else', async () => {
    const peers = Promise.withResolvers<RawPeer>();
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      peers.resolve(peer);
    });
    const gateway = await gatewayTo(upstream, {
      hold: async () => {
        (await peers.promise).socket.resetAndDestroy();
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        return true;
      },
    });
    await exchangeRaw(gateway.port, GET);
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });

  it('inside a body without a length has not sent a complete one', async () => {
    const peers = Promise.withResolvers<RawPeer>();
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 200 OK\r\n\r\nhalf');
      peers.resolve(peer);
    });
    const gateway = await gatewayTo(upstream);
    const client = await connectRaw(gateway.port);
    client.send(GET);
    await client.until('half');
    (await peers.promise).socket.resetAndDestroy();
    const received = await client.ended;
    expect(received.toString()).not.toContain('\r\n0\r\n');
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });
});
