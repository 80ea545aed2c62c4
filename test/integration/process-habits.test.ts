import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { FROM_SOURCES, type GatewayProcess, type Launch, startGatewayProcess } from '../support/gateway-process.ts';
import { UPSTREAM_TEST } from '../support/upstream-certificate.ts';

const LONG = 30_000;

const folder = mkdtempSync(join(tmpdir(), 'turnpike-habits-'));
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

function started(text: string, changes: Partial<Launch> = {}): GatewayProcess {
  const gateway = startGatewayProcess(
    folder,
    `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\ndrainDelay: 0s\n${text}routes: [{ path: /*, price: free }]\n`,
    { ...FROM_SOURCES, ...changes },
  );
  open.push(async () => {
    gateway.kill('SIGKILL');
    await gateway.ended;
  });
  return gateway;
}

describe('signals by which rotators of logs reach servers', () => {
  it.for(['SIGUSR1', 'SIGUSR2'] as const)(
    '%s neither ends the gateway nor opens a debugger',
    { timeout: LONG },
    async (signal) => {
      const gateway = started('upstream: http://127.0.0.1:1\nstore: memory\n');
      const { adminUrl } = await gateway.ready;
      gateway.kill(signal);
      expect((await fetch(`${adminUrl}/livez`)).status).toBe(200);
      gateway.kill('SIGTERM');
      const { code, stderr } = await gateway.ended;
      expect([code, stderr]).toEqual([0, '']);
    },
  );

  it('end no worker either', { timeout: LONG }, async () => {
    const gateway = started(`workers: 2\nupstream: http://127.0.0.1:1\nstore: sqlite:${join(folder, 'ledger.db')}\n`);
    const { url } = await gateway.ready;
    const workers = await gateway.logged(2, ({ msg }) => msg === 'worker serves');
    for (const { pid } of workers) {
      process.kill(Number(pid), 'SIGUSR1');
      process.kill(Number(pid), 'SIGUSR2');
    }
    for (let i = 0; i < 20; i++)
      expect((await fetch(`${url}/x`, { headers: { Connection: 'close' } })).status).toBe(502);
    gateway.kill('SIGTERM');
    const { code, stderr } = await gateway.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(gateway.log.filter(({ msg }) => String(msg).startsWith('worker ended'))).toEqual([]);
  });
});

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  it('does not have the gateway take any certificate', { timeout: LONG }, async () => {
    const api = createServer(UPSTREAM_TEST, (_req, res) => res.end('from somebody')).listen(0, '127.0.0.1');
    await once(api, 'listening');
    open.push(() => api.close());
    const { port } = api.address() as AddressInfo;
    const gateway = started(`upstream: https://127.0.0.1:${port}\nstore: memory\n`, {
      env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    const { url } = await gateway.ready;
    expect((await fetch(`${url}/x`)).status).toBe(502);
    gateway.kill('SIGTERM');
    expect((await gateway.ended).stderr).toContain('warning: NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored');
  });
});

describe('a process that may open few files', () => {
  it('takes fewer connections, and has files left for probes and for the API', { timeout: LONG }, async () => {
    const api = createHttpServer((_req, res) => res.end('from the API')).listen(0, '127.0.0.1');
    await once(api, 'listening');
    open.push(() => api.close());
    const { port } = api.address() as AddressInfo;
    const limited = ['sh', '-c', 'ulimit -n 256 && exec "$0" "$@"', ...FROM_SOURCES.command];
    const gateway = started(`upstream: http://127.0.0.1:${port}\nstore: memory\n`, { command: limited });
    const { url, adminUrl } = await gateway.ready;
    const { port: at } = new URL(url);
    const first = connect(Number(at), '127.0.0.1');
    await once(first, 'connect');
    const others = Array.from({ length: 250 }, () =>
      connect(Number(at), '127.0.0.1')
        .on('error', () => undefined)
        .resume(),
    );
    open.push(() => {
      for (const socket of [first, ...others]) socket.destroy();
    });
    await expect.poll(() => others.filter(({ closed }) => closed).length).toBeGreaterThan(180);
    expect((await fetch(`${adminUrl}/livez`)).status).toBe(200);
    first.write('GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n');
    expect(await text(first)).toContain('from the API');
    gateway.kill('SIGTERM');
    expect((await gateway.ended).stderr).toContain(
      'warning: a process may open 256 files here: it takes 64 client connections, not 10000; raise the limit (ulimit -n)',
    );
  });
});
