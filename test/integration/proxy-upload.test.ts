import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type BareGateway, type BareGatewayOptions, openBareGateway } from '../support/bare-gateway.ts';
import { openHttpUpstream, openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, exchangeRaw, parseRaw, type RawPeer } from '../support/raw-http.ts';

const open: (BareGateway | TestUpstream)[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function gatewayTo(upstream: TestUpstream, options?: BareGatewayOptions): Promise<BareGateway> {
  const gateway = await openBareGateway(upstream.upstream, options);
  open.push(upstream, gateway);
  return gateway;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An upstream that keeps what it gets and answers `OK` once it has seen `last`. */
async function recording(last: string): Promise<{ upstream: TestUpstream; peer: Promise<RawPeer> }> {
  const peers = Promise.withResolvers<RawPeer>();
  const upstream = await openOddUpstream(async (peer) => {
    peers.resolve(peer);
    await peer.until(last);
    peer.send(OK);
  });
  return { upstream, peer: peers.promise };
}

describe('an upload', () => {
  it('of 50 MB arrives byte for byte', async () => {
    const upstream = await openHttpUpstream(async (req, res) => {
      const hash = createHash('sha256');
      for await (const chunk of req) hash.update(chunk);
      res.end(`${req.headers['content-length']} ${hash.digest('hex')}`);
    });
    const gateway = await gatewayTo(upstream);
    const block = randomBytes(256 * 1024);
    const hash = createHash('sha256');
    const length = block.length * 200;
    const call = request({ port: gateway.port, method: 'PUT', path: '/big', headers: { 'content-length': length } });
    const answered = once(call, 'response');
    for (let i = 0; i < 200; i++) {
      hash.update(block);
      if (!call.write(block)) await once(call, 'drain');
    }
    call.end();
    const [response] = await answered;
    let body = '';
    for await (const chunk of response) body += chunk;
    expect(body).toBe(`${length} ${hash.digest('hex')}`);
  });

  it('is not read while the upstream does not read it', async () => {
    const heads = Promise.withResolvers<RawPeer>();
    const upstream = await openOddUpstream(async (peer) => {
      if ((await peer.until('\r\n\r\n')).startsWith('GET')) {
        peer.socket.on('data', () => peer.send(OK));
        return peer.send(OK);
      }
      peer.socket.pause();
      heads.resolve(peer);
    });
    const gateway = await gatewayTo(upstream);
    const client = await connectRaw(gateway.port);
    const size = 64 * 1024 * 1024;
    client.send(`POST /big HTTP/1.1\r\nHost: gw\r\nContent-Length: ${size}\r\n\r\n`);
    client.send(Buffer.alloc(size, 'x'));
    const peer = await heads.promise;
    for (let i = 0; i < 100; i++)
      await exchangeRaw(gateway.port, 'GET / HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
    // What has left the client's process sits in the sockets on the way.
    expect(client.socket.bytesWritten - client.socket.writableLength).toBeLessThan(32 * 1024 * 1024);
    peer.socket.destroy();
    client.socket.destroy();
  });

  it('keeps the framing that the client chose', async () => {
    const bodies = [
      ['Content-Length: 3\r\n\r\nabc', 'content-length: 3\r\n\r\nabc'],
      [
        'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
        'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      ],
    ];
    for (const [sent, expected = ''] of bodies) {
      const { upstream, peer } = await recording(expected);
      const gateway = await gatewayTo(upstream);
      const response = await exchangeRaw(gateway.port, `POST /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n${sent}`);
      expect(response.body.toString()).toBe('ok');
      expect((await peer).received.toString().endsWith(expected)).toBe(true);
    }
  });

  it('that its client breaks off is broken off at the upstream too', async () => {
    const framings = ['Content-Length: 100\r\n\r\npart', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'];
    for (const framing of framings) {
      const { upstream, peer } = await recording('never sent');
      const gateway = await gatewayTo(upstream);
      const client = await connectRaw(gateway.port);
      client.send(`POST /x HTTP/1.1\r\nHost: gw\r\n${framing}`);
      await (await peer).until('part');
      client.socket.destroy();
      const received = (await (await peer).ended).toString();
      expect(received).toContain('part');
      expect(received).not.toContain('\r\n0\r\n');
      expect(await gateway.next()).toEqual({ kind: 'gone_before_answer' });
    }
  });

  it('may be answered before it is over, and the client gets the answer', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      if ((await peer.until('\r\n\r\n')).startsWith('GET')) return peer.send(OK);
      await peer.until('first');
      peer.send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig');
    });
    const gateway = await gatewayTo(upstream);
    const client = await connectRaw(gateway.port);
    client.send('POST /x HTTP/1.1\r\nHost: gw\r\nContent-Length: 2000005\r\n\r\nfirst');
    await client.until('big');
    expect(parseRaw(client.received).statusLine).toBe('HTTP/1.1 413 Content Too Large');
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 3 });
    // The rest is taken and thrown away, so that a client which sends everything first comes to read the answer; the
    // connection is good for another request.
    client.clear();
    client.send(Buffer.alloc(2_000_000, 'x'));
    client.send('GET /again HTTP/1.1\r\nHost: gw\r\n\r\n');
    await client.until('ok');
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 2 });
    client.socket.destroy();
  });

  it('may be answered before it is over by an upstream that then closes its half', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('first');
      peer.socket.pause();
      peer.socket.write('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig', () =>
        peer.socket.end(),
      );
    });
    const gateway = await gatewayTo(upstream);
    const client = await connectRaw(gateway.port);
    client.send('POST /x HTTP/1.1\r\nHost: gw\r\nContent-Length: 8000005\r\n\r\nfirst');
    client.send(Buffer.alloc(8_000_000, 'x'));
    await client.until('big');
    expect(parseRaw(client.received).statusLine).toBe('HTTP/1.1 413 Content Too Large');
    client.socket.destroy();
  });

  it('is a fault of the upstream when that goes away in the middle', async () => {
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('first');
      peer.socket.destroy();
    });
    const gateway = await gatewayTo(upstream);
    const client = await connectRaw(gateway.port);
    client.send('POST /x HTTP/1.1\r\nHost: gw\r\nContent-Length: 100\r\n\r\nfirst');
    await client.until('upstream_unreachable');
    expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_unreachable', reached: true });
    client.socket.destroy();
  });

  it('may take longer than the upstream is given for its answer', async () => {
    const { upstream, peer } = await recording('slowly');
    const gateway = await gatewayTo(upstream, { timeoutMs: 250 });
    const idle = await gatewayTo(await openOddUpstream(() => {}), { timeoutMs: 750 });
    const client = await connectRaw(gateway.port);
    client.send('POST /x HTTP/1.1\r\nHost: gw\r\nContent-Length: 6\r\n\r\nslo');
    await (await peer).until('slo');
    // A request that runs into a timeout three times as long serves as the clock.
    await exchangeRaw(idle.port, 'GET / HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
    client.send('wly');
    await client.until('ok');
    expect(await gateway.next()).toEqual({ kind: 'complete', bytes: 2 });
    client.socket.destroy();
  });
});

describe('a request inside the body of another', () => {
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: gw\r\n\r\n';
  const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;

  it.each([
    'GET',
    'HEAD',
    'DELETE',
    'OPTIONS',
    'POST',
  ])('stays a body of %s, by chunks and by length', async (method) => {
    for (const body of [
      `Transfer-Encoding: chunked\r\n\r\n${chunk}`,
      `Content-Length: ${inner.length}\r\n\r\n${inner}`,
    ]) {
      const seen: string[] = [];
      const upstream = await openHttpUpstream(async (req, res) => {
        let text = '';
        for await (const part of req) text += part;
        seen.push(`${req.method} ${req.url} ${text === inner}`);
        res.end();
      });
      const gateway = await gatewayTo(upstream);
      await exchangeRaw(gateway.port, `${method} /outer HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n${body}`);
      await gateway.next();
      await exchangeRaw(gateway.port, 'GET /after HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
      expect(seen).toEqual([`${method} /outer true`, 'GET /after false']);
    }
  });

  it.each([
    'content-length',
    'transfer-encoding',
    'host',
    'x-forwarded-for',
    'x402-payer',
  ])('is not created when Connection names %s', async (nominated) => {
    const { upstream, peer } = await recording(inner);
    const paid = { payer: '0xab', network: 'eip155:1', asset: '0xcd', amount: '1', route: 'r' };
    const gateway = await gatewayTo(upstream, { paid });
    await exchangeRaw(
      gateway.port,
      `POST /outer HTTP/1.1\r\nHost: gw\r\nConnection: close, ${nominated}\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    );
    const sent = (await peer).received.toString('latin1');
    expect(sent).toContain(`host: 127.0.0.1:${upstream.port}\r\n`);
    expect(sent).toContain(`content-length: ${inner.length}\r\n`);
    expect(sent).toContain('X-Forwarded-For: 127.0.0.1\r\n');
    expect(sent).toContain('X402-Payer: 0xab\r\n');
  });
});
