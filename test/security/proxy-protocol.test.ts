import { afterEach, describe, expect, it } from 'vitest';
import { readProxyHeader } from '../../src/server/edge/proxy-header.ts';
import { parseRaw } from '../support/raw-http.ts';
import { lastRequest, laySiege, type Siege, statusOf } from './siege.ts';

/** Only a trusted balancer may state where a connection comes from: any other peer could claim any address. */

let siege: Siege;
afterEach(() => siege.close());

const ROUTES = `
routes:
  - { path: /*, price: free }
`;
const TRUSTING = `trustedProxies: [127.0.0.0/8]\nproxyProtocol: true${ROUTES}`;
const REQUEST = lastRequest('GET /x');

function v2(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([
    0x0d,
    0x0a,
    0x0d,
    0x0a,
    0x00,
    0x0d,
    0x0a,
    0x51,
    0x55,
    0x49,
    0x54,
    0x0a,
    0x20 | command,
    family,
    0,
    0,
  ]);
  head.writeUInt16BE(body.length, 14);
  return Buffer.concat([head, body]);
}

const V4 = Buffer.from([203, 0, 113, 9, 127, 0, 0, 1, 0x12, 0x34, 0, 80]);
const V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.alloc(16),
  Buffer.from([1, 2, 0, 80]),
]);
const TLV = Buffer.from([0x04, 0, 3, 1, 2, 3]);

/** The client address that the API is told, when the connection begins with these bytes. */
async function sourceOf(...pieces: readonly Buffer[]): Promise<string | undefined> {
  const peer = await siege.connect();
  for (const piece of pieces) peer.send(piece);
  const answer = parseRaw(await peer.ended);
  peer.socket.destroy();
  if (!answer.statusLine.includes(' 200 ')) return undefined;
  const raw = siege.seen.at(-1)?.rawHeaders ?? [];
  return raw[raw.indexOf('X-Forwarded-For') + 1];
}

describe('a trusted balancer', () => {
  it.each([
    ['v1', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n'), '203.0.113.9'],
    ['v1 over IPv6', Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n'), '2001:db8::7'],
    ['v1 that does not know', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
    ['v2', v2(1, 0x11, V4), '203.0.113.9'],
    ['v2 with more in it', v2(1, 0x11, Buffer.concat([V4, TLV])), '203.0.113.9'],
    ['v2 over IPv6', v2(1, 0x21, V6), '2001:db8::7'],
    ['v2 of its own health check', v2(0, 0x00, Buffer.alloc(0)), '127.0.0.1'],
  ])('says where a client is: %s', async (_name, header, source) => {
    siege = await laySiege(TRUSTING);
    expect(await sourceOf(Buffer.concat([header, Buffer.from(REQUEST)]))).toBe(source);
    expect(await sourceOf(header, Buffer.from(REQUEST))).toBe(source);
    const bytes = [...header].map((byte) => Buffer.from([byte]));
    expect(await sourceOf(...bytes, Buffer.from(REQUEST))).toBe(source);
  });

  it.each([
    ['no PROXY header', Buffer.from('')],
    [
      'two PROXY headers',
      Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 1 80\r\nPROXY TCP4 203.0.113.8 192.0.2.1 1 80\r\n'),
    ],
    ['a name for an address', Buffer.from('PROXY TCP4 localhost 192.0.2.1 1 80\r\n')],
    ['an address of another family', Buffer.from('PROXY TCP4 ::1 ::1 1 80\r\n')],
    ['an octal address', Buffer.from('PROXY TCP4 010.0.0.1 192.0.2.1 1 80\r\n')],
    ['a port above 65535', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 70000 80\r\n')],
    ['a bare line feed', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 1 80\n')],
    ['a line without end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}\r\n`)],
    ['another version', Buffer.from(v2(1, 0x11, V4)).fill(0x31, 12, 13)],
    ['another command', v2(2, 0x11, V4)],
    ['too short an address', v2(1, 0x11, V4.subarray(0, 8))],
    ['a length above the limit', v2(1, 0x11, Buffer.alloc(5000))],
  ])('that sends %s is not served', async (_name, header) => {
    siege = await laySiege(TRUSTING);
    expect(await sourceOf(Buffer.concat([header, Buffer.from(REQUEST)]))).toBeUndefined();
    expect(siege.seen).toEqual([]);
  });

  it('gives its own trust to no client that it names', async () => {
    siege = await laySiege(TRUSTING);
    const forged = lastRequest('GET /x', ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Host: evil.example']);
    const header = Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n');
    expect(await sourceOf(Buffer.concat([header, Buffer.from(forged)]))).toBe('203.0.113.9');
    expect(siege.seen.at(-1)?.rawHeaders).not.toContain('evil.example');
  });

  it('has the connections of each client counted separately', async () => {
    siege = await laySiege(`limits: { connectionsPerAddress: 1 }\n${TRUSTING}`);
    const header = 'PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n';
    const first = await siege.connect();
    first.send(`${header}GET /x HTTP/1.1\r\nHost: a\r\n\r\n`);
    await first.until('served');
    const second = await siege.connect();
    second.send(`${header}${REQUEST}`);
    expect(statusOf(parseRaw(await second.ended))).toBe(503);
    expect(await sourceOf(Buffer.from(`PROXY TCP4 203.0.113.10 192.0.2.1 1 80\r\n${REQUEST}`))).toBe('203.0.113.10');
    for (const peer of [first, second]) peer.socket.destroy();
  });
});

describe('a PROXY header that is not expected', () => {
  it.each([
    ['v1', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n')],
    ['v2', v2(1, 0x11, V4)],
  ])('is refused as a malformed request: %s', async (_name, header) => {
    for (const config of [
      `trustedProxies: [10.0.0.0/8]\nproxyProtocol: true${ROUTES}`,
      `trustedProxies: [127.0.0.0/8]${ROUTES}`,
    ]) {
      siege = await laySiege(config);
      const peer = await siege.connect();
      peer.send(Buffer.concat([header, Buffer.from(REQUEST)]));
      expect(statusOf(parseRaw(await peer.ended))).toBe(400);
      peer.socket.destroy();
      expect(siege.seen).toEqual([]);
      expect(statusOf(await siege.ask(REQUEST))).toBe(200);
      await siege.close();
    }
    siege = await laySiege(ROUTES);
  });
});

describe('the parser of PROXY headers', () => {
  it('asks for more bytes only while they may still become a header', () => {
    siege = { close: async () => {} } as Siege;
    for (const whole of [Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n'), v2(1, 0x21, V6)]) {
      for (let length = 0; length < whole.length; length += 1)
        expect(readProxyHeader(whole.subarray(0, length)).kind).toBe('incomplete');
      expect(readProxyHeader(whole)).toMatchObject({ kind: 'whole', length: whole.length });
    }
    expect(readProxyHeader(Buffer.from('GET / HTTP/1.1')).kind).toBe('malformed');
  });
});
