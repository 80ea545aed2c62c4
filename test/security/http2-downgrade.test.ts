import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { fields, frame, PREFACE } from '../support/http2-frames.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { askHttp2, connectOverTls, openHttp2, TLS_SETTING } from '../support/tls-clients.ts';

/** A request of HTTP/2 cannot become another request, or two requests, when it is forwarded in HTTP/1.1. */

let gateway: TestGateway;
let api: Server;
let facilitator: ScriptedFacilitator;
let port: number;
const seen: { line: string; host: string | undefined; raw: readonly string[]; body: string }[] = [];

beforeAll(async () => {
  api = createServer((req, res) => {
    const sight = {
      line: `${req.method} ${req.url}`,
      host: String(req.headers['x-forwarded-host']),
      raw: req.rawHeaders,
      body: '',
    };
    seen.push(sight);
    req.on('data', (chunk) => {
      sight.body += chunk;
    });
    req.on('end', () => res.end('served'));
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  facilitator = await startScriptedFacilitator();
  gateway = await startTestGateway(`upstream: http://127.0.0.1:${(api.address() as AddressInfo).port}
payTo: "0x1111111111111111111111111111111111111111"
accepts: [base-sepolia]
facilitator: ${facilitator.url}
store: memory
${TLS_SETTING}
routes:
  - { path: /paid/*, price: $0.01 }
  - { path: /free, price: free }
  - { path: /cheap, host: cheap.test, price: free }
`);
  port = Number(new URL(gateway.url).port);
});

afterAll(async () => {
  await gateway.close();
  api.closeAllConnections();
  api.close();
  await facilitator.close();
});

/** The status of a request, or `reset` where the gateway answered none. */
async function statusOf(headers: readonly string[], body?: string): Promise<number | 'reset'> {
  const session: ClientHttp2Session = openHttp2(port);
  try {
    const answer = await askHttp2(session, headers, body);
    const status: unknown = answer.headers[':status'];
    return typeof status === 'number' ? status : 'reset';
  } finally {
    session.destroy();
  }
}

/** Pseudo-headers of a request for a path. */
function pseudo(path: string, method = 'GET', authority = 'gw.test', scheme = 'https'): string[] {
  return [':method', method, ':path', path, ':scheme', scheme, ':authority', authority];
}

const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'gw.test'],
];

/** Sends frames, and returns what came back until the connection ends or the stream is answered or reset. */
async function sendFrames(...frames: readonly Buffer[]): Promise<{ readonly types: number[] }> {
  const socket = await connectOverTls(port, 'h2');
  const types: number[] = [];
  let rest = Buffer.alloc(0);
  const over = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const type = rest.readUInt8(3);
        types.push(type);
        rest = rest.subarray(9 + rest.readUIntBE(0, 3));
        // HEADERS of an answer, RST_STREAM or GOAWAY.
        if (type === 1 || type === 3 || type === 7) resolve();
      }
    });
    socket
      .on('error', () => resolve())
      .on('close', () => resolve())
      .on('end', () => resolve());
  });
  socket.write(Buffer.concat([PREFACE, ...frames]));
  await over;
  socket.destroy();
  return { types };
}

describe('a request of HTTP/2', () => {
  it('that is well-formed is served, or gets the price of a priced route', async () => {
    expect(await statusOf(pseudo('/free'))).toBe(200);
    expect(await statusOf(pseudo('/paid/x'))).toBe(402);
  });

  it('of a proxy that took it without TLS is served, and its price is that of the connection it came by', async () => {
    const session = openHttp2(port);
    const { headers } = await askHttp2(session, pseudo('/paid/x', 'GET', 'gw.test', 'http'));
    session.destroy();
    expect(headers[':status']).toBe(402);
    const { resource } = decodePaymentRequiredHeader(String(headers['payment-required']));
    expect(resource?.url).toBe('https://gw.test/paid/x');
  });

  it.each([
    ['another name in Host than in :authority', [...pseudo('/free'), 'host', 'cheap.test'], 400],
    ['two names in Host', [...pseudo('/free'), 'host', 'gw.test', 'host', 'cheap.test'], 'any'],
    ['a user in :authority', pseudo('/free', 'GET', 'gw.test@cheap.test'), 400],
    ['another scheme', pseudo('/free', 'GET', 'gw.test', 'ftp'), 400],
    ['a scheme that is a path', pseudo('/free', 'GET', 'gw.test', 'https://gw.test/free?'), 400],
    ['an absolute target', pseudo('https://gw.test/free'), 'any'],
    ['no path', pseudo(''), 'any'],
    ['a blank in its path', pseudo('/free HTTP/1.1'), 'any'],
    ['a line end in its path', pseudo('/free HTTP/1.1\r\nX: y\r\n\r\nGET /paid/x'), 'any'],
    ['a path that walks', pseudo('/free/../paid/x'), 400],
    ['an encoded slash in its path', pseudo('/free%2f..%2fpaid/x'), 400],
    ['CONNECT', [':method', 'CONNECT', ':authority', 'gw.test:443'], 405],
    ['TRACE', pseudo('/free', 'TRACE'), 405],
    ['a method with a blank', pseudo('/free', 'GET /paid/x HTTP/1.1\r\nA:'), 'any'],
    ['a length without a body', [...pseudo('/free'), 'content-length', '5'], 'any'],
    ['two lengths', [...pseudo('/free', 'POST'), 'content-length', '5', 'content-length', '6'], 'any'],
  ] as const)('with %s is refused', async (_name, headers, status) => {
    const before = seen.length;
    let found: number | 'reset' | 'refused by the client';
    try {
      found = await statusOf([...headers]);
    } catch {
      found = 'refused by the client';
    }
    if (status === 'any') expect([400, 431, 'reset', 'refused by the client']).toContain(found);
    else expect([status, 'reset']).toContain(found);
    expect(seen.length).toBe(before);
  });

  it.each([
    ['a blank in its path', [...GET, [':path', '/free HTTP/1.1']]],
    ['a line end in its path', [...GET, [':path', '/free HTTP/1.1\r\nX: y']]],
    ['two paths', [...GET, [':path', '/free'], [':path', '/paid/x']]],
    ['two methods', [...GET, [':method', 'POST'], [':path', '/free']]],
    ['a pseudo-header after others', [...GET, ['x-a', 'b'], [':path', '/free']]],
    ['an unknown pseudo-header', [...GET, [':path', '/free'], [':protocol', 'websocket']]],
    ['Transfer-Encoding', [...GET, [':path', '/free'], ['transfer-encoding', 'chunked']]],
    ['Connection', [...GET, [':path', '/free'], ['connection', 'x-forwarded-for']]],
    ['Upgrade', [...GET, [':path', '/free'], ['upgrade', 'websocket']]],
    ['an upper-case name', [...GET, [':path', '/free'], ['X-Upper', '1']]],
  ] as const)('in hand-made frames with %s never reaches the API', async (_name, pairs) => {
    const before = seen.length;
    const { types } = await sendFrames(frame(1, 0x05, 1, fields(pairs as readonly (readonly [string, string])[])));
    // An answer may come (400), never the API's.
    expect(types.length).toBeGreaterThan(0);
    expect(seen.length).toBe(before);
  });

  it.each([
    ['a value with a line end', ['x-a', 'b\r\nx-forwarded-host: evil']],
    ['a name with a line end', ['x-a: b\r\nx-forwarded-host', 'evil']],
    ['a value with a zero', ['x-a', 'b\0evil']],
  ] as const)('in hand-made frames arrives without %s', async (_name, field) => {
    const before = seen.length;
    await sendFrames(frame(1, 0x05, 1, fields([...GET, [':path', '/free'], field])));
    expect(seen.slice(before).map(({ host, raw }) => [host, raw.filter((text) => text.includes('evil'))])).toEqual([
      ['gw.test', []],
    ]);
  });

  it('in endless CONTINUATION frames ends its connection and nothing else', async () => {
    const before = seen.length;
    const opening = frame(1, 0x01, 1, fields([...GET, [':path', '/free']]));
    const more = Array.from({ length: 400 }, (_, index) => frame(9, 0, 1, fields([[`x-${index}`, 'y'.repeat(100)]])));
    const { types } = await sendFrames(opening, ...more);
    expect(types).not.toContain(1);
    expect(seen.length).toBe(before);
    expect(await statusOf(pseudo('/free'))).toBe(200);
  });

  it('with its head split over a CONTINUATION is read whole', async () => {
    const before = seen.length;
    const head = fields([...GET, [':path', '/free']]);
    await sendFrames(frame(1, 0x01, 1, head.subarray(0, 20)), frame(9, 0x04, 1, head.subarray(20)));
    expect(seen.at(-1)?.line).toBe('GET /free');
    expect(seen.length).toBe(before + 1);
  });

  it('whose body looks like another request stays one request', async () => {
    const smuggled = 'GET /paid/x HTTP/1.1\r\nHost: gw.test\r\n\r\n';
    const before = seen.length;
    expect(await statusOf(pseudo('/free', 'POST'), `0\r\n\r\n${smuggled}`)).toBe(200);
    expect(await statusOf(pseudo('/free', 'GET'), smuggled)).toBe(200);
    expect(seen.slice(before).map(({ line, body }) => [line, body])).toEqual([
      ['POST /free', `0\r\n\r\n${smuggled}`],
      ['GET /free', smuggled],
    ]);
  });

  it('whose body is shorter or longer than its Content-Length is not taken for complete', async () => {
    for (const [length, body] of [
      ['3', 'hello'],
      ['9', 'hello'],
    ] as const) {
      const status = await statusOf([...pseudo('/free', 'POST'), 'content-length', length], body);
      expect([400, 'reset']).toContain(status);
    }
    expect(await statusOf(pseudo('/free'))).toBe(200);
  });

  it('with more headers than the limit is refused', async () => {
    const many = Array.from({ length: 270 }, (_, index) => [`x-${index}`, 'y']).flat();
    expect([431, 'reset']).toContain(await statusOf([...pseudo('/free'), ...many]));
  });

  it('that is opened and reset again and again costs its own connection only', async () => {
    const head = fields([...GET, [':path', '/free']]);
    const rapid = Array.from({ length: 1000 }, (_, index) =>
      Buffer.concat([frame(1, 0x05, 2 * index + 1, head), frame(3, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8]))]),
    );
    const { types } = await sendFrames(...rapid);
    expect(types.length).toBeGreaterThan(0);
    expect(await statusOf(pseudo('/free'))).toBe(200);
  });
});
