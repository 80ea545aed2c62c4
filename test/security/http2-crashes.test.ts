import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { connectHttp2, requestHead, reset } from '../support/http2-frames.ts';
import { askHttp2, openHttp2, TLS_SETTING } from '../support/tls-clients.ts';

/** Nothing that a client or an API sends over HTTP/2 ends the process. */

/** Answers in bytes, by path. An upload's answer waits until the test sends it. */
const ANSWERS: Record<string, string> = {
  '/served': 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved',
  '/large': `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`,
  '/small': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  '/begun': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n',
  '/interim': 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
};

let api: Server;
let gateway: GatewayProcess;
let port: number;
const arrived = new Map<string, PromiseWithResolvers<Socket>>();

beforeAll(async () => {
  api = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (head: Buffer) => {
      const [, path = ''] = head.toString('latin1').split(' ');
      const upload = arrived.get(path);
      // An API that does not look at a body stops reading it.
      if (upload === undefined) socket.write(ANSWERS[path] ?? '');
      else upload.resolve(socket.pause());
    });
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  gateway = startGatewayProcess(
    mkdtempSync(join(tmpdir(), 'turnpike-http2-')),
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: http://127.0.0.1:${(api.address() as AddressInfo).port}
store: memory
${TLS_SETTING}
routes:
  - { path: /*, price: free }
`,
  );
  port = Number(new URL((await gateway.ready).url).port);
});

afterAll(async () => {
  gateway.kill('SIGKILL');
  await gateway.ended;
  api.close();
});

/** What the gateway answers next: the answer of its API, or the error that ended it. */
async function served(): Promise<string> {
  const session = openHttp2(port);
  const answer = askHttp2(session, { ':path': '/served' }).then(({ body }) => body);
  const result = await Promise.race([answer, gateway.ended.then(({ stderr }) => stderr)]);
  session.destroy();
  return result;
}

describe('the process goes on', () => {
  it.each([
    ['GET', '/small'],
    ['GET', '/large'],
    ['POST', '/begun'],
    ['POST', '/interim'],
  ])('when a client resets a stalled upload of %s without an error, and the API answers %s', async (method, path) => {
    const upload = Promise.withResolvers<Socket>();
    arrived.set(path, upload);
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, method, path, 'with a body'));
    await peer.uploadUntilStalled(1);
    const socket = await upload.promise;
    peer.send(reset(1, 0));
    socket.write(ANSWERS[path] ?? '');
    await peer.settle(5);
    expect(await served()).toBe('served');
    peer.socket.destroy();
    socket.destroy();
  });

  it.each([
    ['without a body', undefined],
    ['of known length', 'body'],
  ])('when a request %s announces trailers', async (_name, body) => {
    const session = openHttp2(port);
    const length = body === undefined ? {} : { 'content-length': body.length };
    const head = { ':path': '/served', ':method': body === undefined ? 'GET' : 'POST', trailer: 'x-sum', ...length };
    expect((await askHttp2(session, head, body)).body).toBe('served');
    session.destroy();
  });

  it.each([0, 8])('when a request that HTTP/1.1 cannot express is reset at once with code %s', async (code) => {
    const peer = await connectHttp2(port);
    peer.send(requestHead(1, 'GET', '/a b', 'whole'), reset(1, code));
    peer.send(requestHead(3, 'CONNECT', '/', 'with a body'), reset(3, code));
    await peer.settle(5).catch(() => {});
    expect(await served()).toBe('served');
    peer.socket.destroy();
  });

  const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
  const LARGE = `Content-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`;
  it.each([
    ['600 in chunks', 600, CHUNKED],
    ['999 in chunks', 999, CHUNKED],
    ['600 at length', 600, LARGE],
    ['999 at length', 999, LARGE],
    ['999 without a body', 999, 'Content-Length: 0\r\n\r\n'],
    ['200 with two ETags, at length', 200, `ETag: "a"\r\nETag: "b"\r\n${LARGE}`],
    ['205 in chunks', 205, CHUNKED],
    ['204 with headers of a connection', 204, 'TE: gzip\r\nHTTP2-Settings: AA\r\nProxy-Connection: close\r\n\r\n'],
  ])('when an API answers %s', async (_name, status, rest) => {
    ANSWERS['/odd'] = `HTTP/1.1 ${status} Odd\r\n${rest}`;
    const session = openHttp2(port);
    const { headers, reset: code } = await askHttp2(session, { ':path': '/odd' });
    expect([headers[':status'], code]).toEqual([status > 599 ? 502 : status, 0]);
    expect(await served()).toBe('served');
    session.destroy();
  });

  it.each([
    'Age',
    'Date',
    'DNT',
    'ETag',
    'Expires',
    'Last-Modified',
    'Location',
    'Retry-After',
    'X-Content-Type-Options',
  ])('when an API repeats %s in a head, a hint or the trailers', async (name) => {
    const twice = `${name}: 1\r\n${name}: 2\r\nX-Other: 3\r\n`;
    ANSWERS['/twice'] =
      `HTTP/1.1 103 Early Hints\r\n${twice}\r\nHTTP/1.1 200 OK\r\n${twice}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${twice}\r\n`;
    const session = openHttp2(port);
    const { headers, hints, trailers, body } = await askHttp2(session, { ':path': '/twice' });
    for (const fields of [headers, hints[0], trailers]) {
      expect(fields).toMatchObject({ [name.toLowerCase()]: '1', 'x-other': '3' });
    }
    expect([body, await served()]).toEqual(['ok', 'served']);
    session.destroy();
  });
});
