import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { forwardRequestHeaders } from '../../src/proxy/headers/to-upstream.ts';
import { HealthBook } from '../../src/proxy/server-health.ts';
import { isWebSocketUpgrade, openUpgradeProxy } from '../../src/proxy/upgrade.ts';
import type { RelayOutcome } from '../../src/proxy/upstream-response.ts';
import { openOddUpstream, type TestUpstream, upstreamAt } from '../support/odd-upstream.ts';
import { FIELDS } from '../support/payment-fields.ts';
import { connectRaw, crlf, parseRaw, type RawPeer } from '../support/raw-http.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Tunnels {
  readonly port: number;
  readonly outcome: Promise<RelayOutcome>;
  closeTunnels(): Promise<void>;
}

/** A server that lets every upgrade through, with `/base` before its path. */
async function tunnelTo(upstream: TestUpstream, timeoutMs = 10_000): Promise<Tunnels> {
  const proxy = openUpgradeProxy(upstream.upstream, new HealthBook());
  const outcome = Promise.withResolvers<RelayOutcome>();
  const server = createServer();
  server.on('upgrade', (req, socket, head) => {
    if (!(socket instanceof Socket) || !isWebSocketUpgrade(req)) {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    const headers = forwardRequestHeaders(req.rawHeaders, {
      fields: FIELDS,
      peer: '192.0.2.1',
      peerTrusted: false,
      proto: 'http',
      host: 'gw',
      requestId: 'r1',
      upstreamHeaders: [],
      paid: undefined,
      trace: undefined,
    });
    const refuse = (fault: Error & { code: string }): void => {
      socket.write(`HTTP/1.1 502 Bad Gateway\r\n\r\n${fault.code}`);
    };
    const path = `/base${req.url}`;
    outcome.resolve(
      proxy.upgrade(req, socket, head, {
        path,
        headers,
        timeoutMs,
        fields: FIELDS,
        paid: false,
        add: () => [['X-Added', '1']],
        place: { ...upstream.upstream, publicOrigin: 'https://gw.test', host: undefined, rewrite: undefined },
        refuse,
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(upstream, {
    async close() {
      await proxy.close();
      server.close();
      await once(server, 'close');
    },
  });
  return { port: (server.address() as AddressInfo).port, outcome: outcome.promise, closeTunnels: () => proxy.close() };
}

/** An upstream that answers each upgrade request with `bytes`, and the connection to it. */
async function answering(bytes: string): Promise<{ upstream: TestUpstream; peer: Promise<RawPeer> }> {
  const peers = Promise.withResolvers<RawPeer>();
  const upstream = await openOddUpstream(async (peer) => {
    await peer.until('\r\n\r\n');
    peers.resolve(peer);
    peer.send(bytes);
  });
  return { upstream, peer: peers.promise };
}

const REQUEST = crlf([
  'GET /chat?q=1 HTTP/1.1',
  'Host: gw',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: abc',
  'Sec-WebSocket-Version: 13',
  'PAYMENT-SIGNATURE: secret',
  'X402-Payer: forged',
  'Expect: 100-continue',
  'Cookie: a=b',
  '',
]);
const SWITCHED = crlf([
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Accept: xyz',
  'PAYMENT-RESPONSE: forged',
  '',
]);

describe('a WebSocket upgrade', () => {
  it('carries bytes both ways after the upstream switched, with scrubbed heads', async () => {
    const { upstream, peer } = await answering(SWITCHED);
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(`${REQUEST}early`);
    const server = await peer;
    const answer = parseRaw(Buffer.from(await client.until('\r\n\r\n')));
    expect(answer.statusLine).toBe('HTTP/1.1 101 Switching Protocols');
    expect(answer.all('upgrade')).toEqual(['websocket']);
    expect(answer.all('sec-websocket-accept')).toEqual(['xyz']);
    expect(answer.all('payment-response')).toEqual([]);
    expect(answer.all('x-added')).toEqual(['1']);
    await server.until('early');
    server.send('to client');
    await client.until('to client');
    client.send('to upstream');
    const sent = parseRaw(Buffer.from(await server.until('to upstream')));
    expect(sent.statusLine).toBe('GET /base/chat?q=1 HTTP/1.1');
    expect(sent.all('host')).toEqual([`127.0.0.1:${upstream.port}`]);
    expect(sent.all('sec-websocket-key')).toEqual(['abc']);
    expect(sent.all('cookie')).toEqual(['a=b']);
    for (const name of ['payment-signature', 'x402-payer', 'expect']) expect(sent.all(name)).toEqual([]);
    server.socket.end();
    await client.ended;
    client.socket.end();
    expect(await tunnel.outcome).toMatchObject({ kind: 'complete' });
  });

  it.each([
    'destroy',
    'resetAndDestroy',
    'end',
  ] as const)('ends at the upstream when the client does (%s)', async (how) => {
    const { upstream, peer } = await answering(SWITCHED);
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    await client.until('\r\n\r\n');
    client.socket[how]();
    await (await peer).ended;
    expect(await tunnel.outcome).toMatchObject({ kind: 'complete' });
  });

  it('ends at the client when the upstream breaks', async () => {
    const { upstream, peer } = await answering(SWITCHED);
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    await client.until('\r\n\r\n');
    (await peer).socket.resetAndDestroy();
    await client.ended;
    expect(await tunnel.outcome).toEqual({ kind: 'upstream_broke', status: 101 });
  });

  it('that the upstream declines ends with its plain answer, and nothing is tunnelled', async () => {
    const { upstream, peer } = await answering(
      'HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nPAYMENT-RESPONSE: forged\r\nContent-Length: 2\r\n\r\nno',
    );
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(`${REQUEST}GET /smuggled HTTP/1.1\r\n\r\n`);
    const answer = parseRaw(await client.ended);
    expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
    expect(answer.all('set-cookie')).toEqual(['a', 'b']);
    expect(answer.all('payment-response')).toEqual([]);
    expect(answer.body.toString()).toBe('no');
    client.socket.end();
    expect(await tunnel.outcome).toMatchObject({ kind: 'complete' });
    expect((await peer).received.includes('smuggled')).toBe(false);
  });

  it('keeps the bytes of the answer that are not ASCII', async () => {
    const odd = 'X-Latin: caf\xe9\r\nX-Utf8: \xc3\xa9\r\n';
    const { upstream } = await answering(SWITCHED.replace('Sec-', `${odd}Sec-`));
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    const answer = parseRaw(Buffer.from(await client.until('\r\n\r\n'), 'latin1'));
    expect([answer.all('x-latin'), answer.all('x-utf8')]).toEqual([['caf\xe9'], ['\xc3\xa9']]);
    client.socket.destroy();
  });

  it.each([
    ['60 KB in one field', `X: ${'y'.repeat(60_000)}\r\n`],
    ['3000 fields', Array.from({ length: 3_000 }, (_, index) => `X-${index}: y\r\n`).join('')],
  ])('takes a head of the upstream as long as other answers have (%s)', async (_what, fields) => {
    const { upstream } = await answering(SWITCHED.replace('Sec-', `${fields}Sec-`));
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    const answer = parseRaw(Buffer.from(await client.until('\r\n\r\n'), 'latin1'));
    expect(answer.statusLine).toBe('HTTP/1.1 101 Switching Protocols');
    expect(answer.all('sec-websocket-accept')).toEqual(['xyz']);
    client.socket.destroy();
  });

  it.each([
    ['without a protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['without Connection', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
    ['without Upgrade', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'],
    ['to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['to two protocols', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n'],
    ['in a head without end', `HTTP/1.1 101 Switching Protocols\r\n${'A: aaaaaaaaaaaaaaaa\r\n'.repeat(6000)}`],
    ['in what is not HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
  ])('is refused with a fault when the upstream switches %s', async (_how, bytes) => {
    const { upstream, peer } = await answering(`${bytes}frames`);
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(`${REQUEST}early`);
    const received = (await client.ended).toString();
    expect(received).toBe('HTTP/1.1 502 Bad Gateway\r\n\r\nupstream_invalid_answer');
    client.socket.end();
    await (await peer).ended;
    expect(await tunnel.outcome).toEqual({ kind: 'upstream_broke' });
  });

  it('that the upstream declines is no whole answer when that breaks off', async () => {
    const { upstream, peer } = await answering('HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\nnope');
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    await client.until('nope');
    (await peer).socket.destroy();
    await client.ended;
    expect(await tunnel.outcome).toEqual({ kind: 'upstream_broke', status: 403 });
  });

  it('that the upstream declines is given up when the client leaves in the middle', async () => {
    const { upstream, peer } = await answering('HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\nnope');
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    await client.until('nope');
    client.socket.resetAndDestroy();
    await (await peer).ended;
    expect(await tunnel.outcome).toEqual({ kind: 'client_gone', status: 403 });
  });

  it('goes to another server when the first does not take the connection', async () => {
    const closed = await openOddUpstream(() => {});
    await closed.close();
    const { upstream, peer } = await answering(SWITCHED);
    const servers = [closed.port, upstream.port].map((port) => ({
      origin: `http://127.0.0.1:${port}`,
      basePath: '/b',
    }));
    const tunnel = await tunnelTo({ ...upstream, upstream: upstreamAt(0, { servers }) });
    for (let i = 0; i < 2; i++) {
      const client = await connectRaw(tunnel.port);
      client.send(REQUEST);
      expect(await client.until('\r\n\r\n')).toContain('101 Switching Protocols');
      client.socket.destroy();
    }
    expect((await peer).received.toString()).toContain('GET /b/base/chat?q=1 HTTP/1.1');
  });

  it('is refused with a fault when the upstream cannot be reached', async () => {
    const upstream = await openOddUpstream(() => {});
    await upstream.close();
    const tunnel = await tunnelTo({ ...upstream, upstream: upstreamAt(upstream.port), close: async () => {} });
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    expect((await client.ended).toString()).toContain('upstream_unreachable');
    client.socket.end();
    expect(await tunnel.outcome).toEqual({ kind: 'upstream_broke' });
  });

  it('is refused with a fault when the upstream does not answer in time', async () => {
    const { upstream, peer } = await answering('');
    const tunnel = await tunnelTo(upstream, 300);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    expect((await client.ended).toString()).toContain('upstream_timeout');
    await (await peer).ended;
  });

  it('is given up when the client goes before the answer', async () => {
    const { upstream, peer } = await answering('');
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    const server = await peer;
    client.socket.resetAndDestroy();
    await server.ended;
    expect(await tunnel.outcome).toEqual({ kind: 'client_gone' });
  });

  it('is cut when the gateway closes', async () => {
    const { upstream, peer } = await answering(SWITCHED);
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(REQUEST);
    await client.until('\r\n\r\n');
    await tunnel.closeTunnels();
    await client.ended;
    await (await peer).ended;
    expect(await tunnel.outcome).toMatchObject({ kind: 'complete' });
  });

  it.each([
    ['another protocol', 'GET / HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['another method', 'POST / HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['a body', 'GET / HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx'],
    ['several protocols', 'GET / HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n'],
  ])('is refused with %s', async (_what, request) => {
    const upstream = await openOddUpstream(() => {});
    const tunnel = await tunnelTo(upstream);
    const client = await connectRaw(tunnel.port);
    client.send(request);
    expect((await client.ended).toString()).toContain('400 Bad Request');
    client.socket.destroy();
    expect(upstream.connections()).toBe(0);
  });
});
