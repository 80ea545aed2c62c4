import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, lastRequest, laySiege, paying, request, type Siege, statusOf } from '../security/siege.ts';

/** An API that listens on a unix socket, behind a gateway that sells it. */

interface UnixApi {
  readonly heads: IncomingMessage[];
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAA'];

let folder: string;
let path: string;
let siege: Siege | undefined;
const open: UnixApi[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-api-'));
  path = join(folder, 'api.sock');
});
afterEach(async () => {
  await siege?.close();
  siege = undefined;
  for (const api of open.splice(0)) await api.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(listener: RequestListener = echo): Promise<UnixApi> {
  const heads: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((req, res) => {
    heads.push(req);
    listener(req, res);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', (req, socket) => {
    heads.push(req);
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes');
    socket.on('data', (bytes: Buffer) => socket.end(`echo ${bytes}`));
  });
  server.listen(path);
  await once(server, 'listening');
  const api = {
    heads,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  open.push(api);
  return api;
}

async function echo(req: IncomingMessage, res: Parameters<RequestListener>[1]): Promise<void> {
  let body = '';
  for await (const chunk of req) body += chunk;
  res.end(`${req.method} ${req.url} ${body}`);
}

/** A gateway whose only upstream is the socket. */
async function sell(upstream = `unix:${path}`, routes = ''): Promise<Siege> {
  siege = await laySiege(`
routes:
  - { path: /free/*, price: free, upstream: ${upstream} }
  - { path: /paid/*, price: $0.001, upstream: ${upstream} }
${routes}`);
  return siege;
}

describe('an API on a unix socket', () => {
  it('is sold as any other: bodies both ways, one connection for several calls, and the host that it is', async () => {
    const api = await listen();
    const { ask, sign } = await sell();
    const bought = await ask(
      lastRequest(
        'POST /paid/x?q=1',
        [paying(await sign('/paid/x?q=1', { method: 'POST' })), 'Content-Length: 4'],
        'body',
      ),
    );
    expect([statusOf(bought), bought.body.toString()]).toEqual([200, 'POST /paid/x?q=1 body']);
    expect(bought.all('payment-response')).toHaveLength(1);
    expect(statusOf(await ask(lastRequest('GET /paid/x')))).toBe(402);
    expect((await ask(lastRequest('GET /free/y'))).body.toString()).toBe('GET /free/y ');
    expect(api.heads.map(({ headers }) => headers.host)).toEqual(['localhost', 'localhost']);
    expect(api.sockets.size).toBe(1);
  });

  it('gets the Host of its configured headers, for a WebSocket too', async () => {
    const api = await listen();
    const { ask } = await sell(`{ url: "unix:${path}", headers: { Host: "api.internal:8080" } }`);
    await ask(lastRequest('GET /free/y'));
    await ask(request('GET /free/y', UPGRADE, 'bye'));
    expect(api.heads.map(({ headers }) => headers.host)).toEqual(['api.internal:8080', 'api.internal:8080']);
  });

  it('upgrades to a WebSocket, whose frames flow both ways', async () => {
    await listen();
    const { connect } = await sell();
    const peer = await connect();
    peer.send(request('GET /free/socket', UPGRADE));
    expect(await peer.until('frames')).toMatch(/^HTTP\/1\.1 101 /);
    peer.send('ping');
    expect((await peer.ended).toString()).toMatch(/echo ping$/);
  });

  it('has its own locations told as public ones', async () => {
    await listen((_req, res) => res.writeHead(302, { Location: 'http://localhost/free/there' }).end());
    const { ask } = await sell();
    expect((await ask(lastRequest('GET /free/y'))).all('location')).toEqual(['http://gw.test/free/there']);
  });

  it('that is not there costs nothing, shows in readiness, and is found when it is back', async () => {
    const { ask, sign, gateway, facilitator } = await sell();
    const payment = paying(await sign('/paid/x'));
    expect([codeOf(await ask(lastRequest('GET /paid/x', [payment])))]).toEqual(['upstream_unreachable']);
    expect(facilitator?.requests.filter(({ endpoint }) => endpoint === 'settle')).toEqual([]);
    const ready = await (await fetch(`${gateway.adminUrl}/readyz`)).json();
    expect(ready).toMatchObject({ degraded: [{ name: `upstream unix:${path}`, detail: '1 failed in a row' }] });
    expect(gateway.log).toContainEqual(expect.objectContaining({ upstream: `unix:${path}` }));
    await listen();
    expect(statusOf(await ask(lastRequest('GET /paid/x', [payment])))).toBe(200);
  });

  it('that closes a kept connection during a write gets the request once more', async () => {
    let asked = 0;
    await listen((req, res) => {
      asked += 1;
      // The second request on the first connection gets no answer.
      if (asked === 2) req.socket.destroy();
      else res.end('served');
    });
    const { ask } = await sell();
    for (let round = 0; round < 2; round += 1)
      expect((await ask(lastRequest('GET /free/y'))).body.toString()).toBe('served');
    expect(asked).toBe(3);
  });

  it('gets no more calls at once than its connections', async () => {
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    await listen((_req, res) => {
      reached.resolve();
      void held.promise.then(() => res.end('held'));
    });
    const { ask, sign } = await sell(`{ url: "unix:${path}", connections: 1 }`);
    const first = ask(lastRequest('GET /free/y'));
    await reached.promise;
    const payment = paying(await sign('/paid/x'));
    expect(codeOf(await ask(lastRequest('GET /paid/x', [payment])))).toBe('too_many_upstream_calls');
    held.resolve();
    expect(statusOf(await first)).toBe(200);
    expect(statusOf(await ask(lastRequest('GET /paid/x', [payment])))).toBe(200);
  });

  it('stands beside servers of a list, and is left out while nobody listens on it', async () => {
    const { ask, seen } = await sell(`["unix:${path}", UPSTREAM]`);
    for (let round = 0; round < 8; round += 1) expect(statusOf(await ask(lastRequest('GET /free/y')))).toBe(200);
    expect(seen).toHaveLength(8);
  });
});
