import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BodyRoom } from '../../src/pipeline/limits/body-room.ts';
import type { RequestBody } from '../../src/proxy/request-body.ts';
import { type BareGateway, type BareGatewayOptions, openBareGateway } from '../support/bare-gateway.ts';
import { openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, exchangeRaw, parseRaw, type RawPeer } from '../support/raw-http.ts';

const MOST = 1000;
const OK = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';

const open: (BareGateway | TestUpstream)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Scene {
  readonly gateway: BareGateway;
  /** What upstreams received so far, one text for each connection. */
  readonly seen: RawPeer[];
  /** What was read before the request was sent. */
  readonly read: (string | undefined)[];
  readonly room: BodyRoom;
}

/** A gateway that reads each body before it sends the request, in front of an upstream that answers at `last`. */
async function reading(last: string, then?: (body: RequestBody) => void, options?: BareGatewayOptions): Promise<Scene> {
  const seen: RawPeer[] = [];
  const read: (string | undefined)[] = [];
  const room = new BodyRoom();
  const upstream = await openOddUpstream(async (peer) => {
    seen.push(peer);
    await peer.until(last);
    peer.send(OK);
  });
  const gateway = await openBareGateway(upstream.upstream, {
    bodies: { mostBytes: undefined, hold: () => room.hold(64 * 1024, 'client') },
    async before(body) {
      read.push((await body?.read(MOST))?.toString('latin1'));
      if (body !== undefined) then?.(body);
    },
    ...options,
  });
  open.push(upstream, gateway);
  return { gateway, seen, read, room };
}

/** Waits for what comes about in this process. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

const POST = 'POST /x HTTP/1.1\r\nHost: gw\r\n';
const CLOSING = `${POST}Connection: close\r\n`;

describe('a body that is read before it is sent', () => {
  it.each([
    ['of known length', 'Content-Length: 3\r\n\r\nabc', 'content-length: 3\r\n\r\nabc'],
    [
      'in chunks',
      'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n',
      'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ],
    ['in chunks of nothing', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', '0\r\n\r\n'],
  ])('%s is sent byte for byte in the framing that it came in', async (_name, sent, expected) => {
    const { gateway, seen, read, room } = await reading(expected);
    const answer = await exchangeRaw(gateway.port, CLOSING + sent);
    expect(answer.body.toString()).toBe('ok');
    expect(read).toEqual([expected.includes('abc') ? 'abc' : '']);
    expect(seen[0]?.received.toString().endsWith(expected)).toBe(true);
    expect(room.held).toBe(0);
  });

  it.each([
    ['of known length', 'Content-Length: 3\r\n\r\nabc', 'content-length: 5\r\n\r\n12345'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 'chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n'],
  ])('%s can be replaced by another body', async (_name, sent, expected) => {
    const { gateway, seen } = await reading(expected, (body) => body.replaceWith(Buffer.from('12345')));
    expect((await exchangeRaw(gateway.port, CLOSING + sent)).body.toString()).toBe('ok');
    expect(seen[0]?.received.toString().endsWith(expected)).toBe(true);
  });

  it('can be replaced by an empty body', async () => {
    const { gateway, seen } = await reading('\r\n\r\n', (body) => body.replaceWith(Buffer.alloc(0)));
    const answer = await exchangeRaw(gateway.port, `${CLOSING}Content-Length: 3\r\n\r\nabc`);
    expect(answer.body.toString()).toBe('ok');
    expect(seen[0]?.received.toString()).toContain('content-length: 0\r\n');
    expect(seen[0]?.received.toString().endsWith('\r\n\r\n')).toBe(true);
  });

  it('may arrive byte by byte', async () => {
    const { gateway, read } = await reading('0123456789');
    const client = await connectRaw(gateway.port);
    client.send(`${POST}Content-Length: 10\r\n\r\n`);
    for (const byte of '0123456789') {
      client.send(byte);
      // Several turns, in which it arrives in a piece of its own.
      for (let count = 0; count < 5; count += 1) await turn();
    }
    await client.until('ok');
    expect(read).toEqual(['0123456789']);
    client.socket.destroy();
  });

  it('is undefined for a request without a body, which is sent without a wait', async () => {
    const { gateway, read } = await reading('\r\n\r\n');
    expect((await exchangeRaw(gateway.port, `${CLOSING}Content-Length: 0\r\n\r\n`)).body.toString()).toBe('ok');
    expect(read).toEqual([undefined]);
  });

  it('is requested once with 100 Continue when the client waits for that', async () => {
    const { gateway, read } = await reading('abc');
    const client = await connectRaw(gateway.port);
    client.send(`${POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    await client.until('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('abc');
    const received = await client.until('ok');
    expect(received.match(/100 Continue/g)).toHaveLength(1);
    expect(read).toEqual(['abc']);
    client.socket.destroy();
  });
});

describe('a body that is not let through', () => {
  it.each([
    ['announces more than is read', `Content-Length: ${MOST + 1}\r\nExpect: 100-continue\r\n\r\n`, ''],
    ['announces more, and sends it', `Content-Length: ${300_000}\r\n\r\n`, 'x'.repeat(300_000)],
    [
      'grows over what is read',
      'Transfer-Encoding: chunked\r\n\r\n',
      `${'64\r\n'.concat('x'.repeat(100), '\r\n').repeat(2000)}0\r\n\r\n`,
    ],
  ])('gets 413, which its client can read, when it %s', async (_name, head, body) => {
    const { gateway, seen, room } = await reading('never');
    const client = await connectRaw(gateway.port);
    client.send(POST + head);
    client.send(body);
    await client.until('request_body_too_large');
    expect(parseRaw(client.received).statusLine).toBe('HTTP/1.1 413 Payload Too Large');
    expect(client.received.toString()).not.toContain('100 Continue');
    client.socket.end();
    await client.ended;
    expect(client.broken).toBe(false);
    expect(seen).toEqual([]);
    expect(room.held).toBe(0);
  });

  it('gets 503 when there is no memory for it, and memory is free again when other bodies are through', async () => {
    const room = new BodyRoom();
    const bodies = { mostBytes: undefined, hold: () => room.hold(4 * MOST, 'client') };
    const { gateway, seen } = await reading('abc', undefined, { bodies });
    const slow = await connectRaw(gateway.port);
    slow.send(`${POST}Content-Length: 3\r\n\r\na`);
    await until(() => room.held === MOST);
    const refused = await exchangeRaw(gateway.port, `${CLOSING}Content-Length: 3\r\n\r\nabc`);
    expect(refused.statusLine).toBe('HTTP/1.1 503 Service Unavailable');
    expect(refused.body.toString()).toContain('too_many_bodies');
    expect(seen).toEqual([]);
    slow.send('bc');
    await slow.until('ok');
    slow.socket.destroy();
    await until(() => room.held === 0);
  });

  it.each([
    ['of known length', 'Content-Length: 100\r\n\r\npart'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
  ])('%s does not reach the upstream when its client breaks it off', async (_name, framing) => {
    const { gateway, seen, room } = await reading('never');
    const client = await connectRaw(gateway.port);
    client.send(POST + framing);
    await until(() => room.held > 0);
    client.socket.destroy();
    expect(await gateway.next()).toEqual({ kind: 'gone_before_answer' });
    expect(seen).toEqual([]);
    expect(room.held).toBe(0);
  });

  it('gets 408 when it stops arriving', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { gateway, room } = await reading('never');
    const client = await connectRaw(gateway.port);
    client.send(`${POST}Content-Length: 100\r\n\r\npart`);
    await until(() => room.held > 0);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(client.received.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    await client.until('request_timeout');
    expect(parseRaw(client.received).statusLine).toBe('HTTP/1.1 408 Request Timeout');
    client.socket.destroy();
    expect(room.held).toBe(0);
  });

  it('gets 408 when it arrives too slowly, although it never stops', async () => {
    const { gateway, room } = await reading('never');
    const client = await connectRaw(gateway.port);
    client.send(`${POST}Content-Length: 100\r\n\r\na`);
    await until(() => room.held > 0);
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 31_000);
    client.send('b');
    await client.until('request_timeout');
    expect(client.received.toString()).toContain('HTTP/1.1 408 Request Timeout');
    client.socket.destroy();
    expect(room.held).toBe(0);
  });

  it('that arrives with its head is read like one that arrives later, and its connection serves the next', async () => {
    const { gateway, read, room } = await reading('abc');
    const client = await connectRaw(gateway.port);
    for (const [head, body] of [
      ['Content-Length: 3\r\n\r\n', 'abc'],
      ['Content-Length: 3\r\n\r\na', 'bc'],
    ] as const) {
      client.send(POST + head);
      for (let count = 0; count < 5; count += 1) await turn();
      client.send(body);
    }
    client.send(`${POST}Content-Length: 3\r\n\r\nabc${POST}Content-Length: 3\r\n\r\nabc`);
    await until(() => client.received.toString().split('\r\n\r\nok').length === 5);
    expect(read).toEqual(['abc', 'abc', 'abc', 'abc']);
    client.socket.destroy();
    await until(() => room.held === 0);
  });
});
