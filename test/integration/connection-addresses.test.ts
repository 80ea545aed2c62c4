import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import request from 'undici/lib/api/api-request.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openDispatcher } from '../../src/outgoing/dispatcher.ts';
import { LIFETIME_MS } from '../../src/proxy/server-line.ts';
import { openBareGateway } from '../support/bare-gateway.ts';
import { type FullBacklog, openFullBacklog } from '../support/full-backlog.ts';
import { upstreamAt } from '../support/odd-upstream.ts';
import { exchangeRaw } from '../support/raw-http.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n';
const FOUR = { address: '127.0.0.1', family: 4 };
/** Refused at once on a machine without IPv6, and where nothing listens. */
const SIX = { address: '::1', family: 6 };

const open: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const close of open.splice(0).reverse()) await close();
});

/** Has the system's resolver find these addresses for a name, from the first to the last. */
function resolving(name: string, ...addresses: readonly dns.LookupAddress[][]): void {
  let asked = 0;
  const real = dns.lookup;
  vi.spyOn(dns, 'lookup').mockImplementation((...given: readonly unknown[]) => {
    const [host, , done] = given;
    if (host !== name || typeof done !== 'function') {
      Reflect.apply(real, dns, given);
      return;
    }
    const found = addresses[Math.min(asked, addresses.length - 1)] ?? [];
    asked += 1;
    setImmediate(() => done(null, found));
  });
}

async function lossyServer(): Promise<FullBacklog> {
  const server = await openFullBacklog();
  open.push(() => server.close());
  // The first packet is lost, and the one that is sent after a second is not.
  setTimeout(() => server.accept(), 500);
  return server;
}

async function gatewayTo(origin: string): Promise<() => Promise<string>> {
  const gateway = await openBareGateway(upstreamAt(0, { servers: [{ origin, basePath: '' }] }));
  open.push(() => gateway.close());
  return async () => (await exchangeRaw(gateway.port, GET)).body.toString();
}

async function listening(server: Server, host: string, port = 0): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('a host with one address that is slow and another one without a route', () => {
  it('is reached as an API', async () => {
    const { port } = await lossyServer();
    resolving('slow-api.test', [FOUR, SIX]);
    const ask = await gatewayTo(`http://slow-api.test:${port}`);
    expect(await ask()).toBe('ok');
  });

  it('is reached as a facilitator, a node or a receiver of webhooks', async () => {
    const { port } = await lossyServer();
    resolving('slow.test', [FOUR, SIX]);
    const dispatcher = openDispatcher(undefined);
    open.push(() => dispatcher.destroy());
    const answer = await request.call(dispatcher, { origin: `http://slow.test:${port}`, path: '/', method: 'GET' });
    expect(await answer.body.text()).toBe('ok');
  });
});

describe('an API whose name gets another address', () => {
  it('is asked there a few minutes later, also without a pause between requests', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const sockets = new Set<Socket>();
    const old = createServer((req, res) => {
      sockets.add(req.socket);
      res.end(`old, ${req.headers.connection}`);
    });
    const port = await listening(old, '127.0.0.1');
    await listening(
      createServer((_req, res) => res.end('new')),
      '127.0.0.2',
      port,
    );
    resolving('moved.test', [FOUR], [{ address: '127.0.0.2', family: 4 }]);
    const ask = await gatewayTo(`http://moved.test:${port}`);
    expect([await ask(), await ask()]).toEqual(['old, keep-alive', 'old, keep-alive']);
    vi.advanceTimersByTime(LIFETIME_MS + 1);
    expect([await ask(), await ask()]).toEqual(['old, close', 'new']);
    expect(sockets.size).toBe(1);
  });
});
