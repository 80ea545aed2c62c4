import { afterEach, describe, expect, it } from 'vitest';
import type { Upstream } from '../../src/domain/upstream.ts';
import { type BareGateway, type BareGatewayOptions, openBareGateway } from '../support/bare-gateway.ts';
import { openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, exchangeRaw, type RawPeer } from '../support/raw-http.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const GET = 'GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n';
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';

async function gatewayTo(
  upstream: TestUpstream,
  limits: Partial<Upstream>,
  options?: BareGatewayOptions,
): Promise<BareGateway> {
  const gateway = await openBareGateway({ ...upstream.upstream, ...limits }, options);
  open.push(upstream, gateway);
  return gateway;
}

/** An upstream that sends `bytes` and then nothing more. */
async function sending(bytes: string): Promise<{ upstream: TestUpstream; peer: Promise<RawPeer> }> {
  const peers = Promise.withResolvers<RawPeer>();
  const upstream = await openOddUpstream(async (peer) => {
    await peer.until('\r\n\r\n');
    peers.resolve(peer);
    peer.send(bytes);
  });
  return { upstream, peer: peers.promise };
}

describe('a pause in the body', () => {
  it('longer than the idle timeout cuts the answer off on both sides', async () => {
    const { upstream, peer } = await sending(`${HEAD}part`);
    const gateway = await gatewayTo(upstream, { idleTimeoutMs: 100 });
    const client = await connectRaw(gateway.port);
    client.send(GET);
    expect((await client.ended).toString().endsWith('\r\n\r\npart')).toBe(true);
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
    await (await peer).ended;
  });

  it('is not counted while the answer is held back', async () => {
    const { upstream, peer } = await sending(`${HEAD}part`);
    // Another exchange that runs into the same limit serves as the clock.
    const clock = await sending(HEAD);
    const idle = await gatewayTo(clock.upstream, { idleTimeoutMs: 1200 });
    const hold = async (): Promise<boolean> => {
      const client = await connectRaw(idle.port);
      client.send(GET);
      await client.ended;
      (await peer).send('-'.repeat(96));
      return true;
    };
    const gateway = await gatewayTo(upstream, { idleTimeoutMs: 1000 }, { hold });
    const client = await connectRaw(gateway.port);
    client.send(GET);
    await client.until('-'.repeat(96));
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 100 });
    client.socket.destroy();
  });
});

describe('the whole of an exchange', () => {
  it('is a 504 when its time is up before the head', async () => {
    const { upstream, peer } = await sending('');
    const gateway = await gatewayTo(upstream, { totalTimeoutMs: 100 });
    const response = await exchangeRaw(gateway.port, GET);
    expect(response.statusLine).toContain('504');
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_timeout', reached: true });
    await (await peer).ended;
  });

  it('is cut off inside a body that flows, when its time is up', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const timer = setInterval(() => peer.send('4\r\ntick\r\n'), 10);
      await peer.ended;
      clearInterval(timer);
    });
    const gateway = await gatewayTo(upstream, { idleTimeoutMs: 5000, totalTimeoutMs: 1500 });
    const client = await connectRaw(gateway.port);
    client.send(GET);
    await client.until('tick');
    expect((await client.ended).toString()).not.toContain('\r\n0\r\n');
    expect(await gateway.next()).toEqual({ kind: 'upstream_broke' });
  });

  it('is too slow for an answer that is read ahead, and says so', async () => {
    const { upstream } = await sending(`${HEAD}part`);
    const collected = Promise.withResolvers<unknown>();
    const gateway = await gatewayTo(
      upstream,
      { totalTimeoutMs: 1500 },
      {
        hold: async (response) => {
          collected.resolve(await response.collect(1000));
          return false;
        },
      },
    );
    await connectRaw(gateway.port).then((client) => client.send(GET));
    expect(await collected.promise).toEqual({ kind: 'broke', silent: true });
  });
});
