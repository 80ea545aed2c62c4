import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadSchemes } from '../../src/registry.ts';
import { startGateway } from '../../src/server/gateway.ts';
import { planOf } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { parseRaw, RawPeer } from '../support/raw-http.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let folder: string;
let upstream: TestUpstream;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-unix-'));
  upstream = await startUpstream();
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(more = ''): Promise<{ readonly url: string; readonly adminUrl: string | undefined }> {
  const plan = await planOf(`listen: unix:${folder}/public.sock
admin: unix:${folder}/admin.sock
upstream: ${upstream.url}
store: memory
${more}
routes: [{ path: /*, price: free }]
`);
  const gateway = await startGateway(plan, { schemes: await loadSchemes(), log: pino({ level: 'silent' }) });
  open.push(gateway);
  return gateway;
}

function ask(socketPath: string, path: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, headers, agent: false }, (res) => {
      res.resume();
      res.once('end', () => resolve(res.statusCode));
    })
      .once('error', reject)
      .end();
  });
}

describe('unix sockets', () => {
  it('are listened on, for buyers and for operators', async () => {
    const gateway = await start();
    expect([gateway.url, gateway.adminUrl]).toEqual([`unix:${folder}/public.sock`, `unix:${folder}/admin.sock`]);
    expect(await ask(`${folder}/public.sock`, '/x')).toBe(200);
    expect(await ask(`${folder}/admin.sock`, '/readyz')).toBe(200);
  });

  it('are trusted about client addresses only when trustedProxies says unix', async () => {
    await start('trustedProxies: [unix]');
    await ask(`${folder}/public.sock`, '/x', { 'X-Forwarded-For': '203.0.113.9' });
    const trusted = upstream.seen.at(-1)?.rawHeaders ?? [];
    expect(trusted[trusted.indexOf('X-Forwarded-For') + 1]).toBe('203.0.113.9, unix');
    for (const each of open.splice(0)) await each.close();
    await start();
    await ask(`${folder}/public.sock`, '/x', { 'X-Forwarded-For': '203.0.113.9' });
    const other = upstream.seen.at(-1)?.rawHeaders ?? [];
    expect(other[other.indexOf('X-Forwarded-For') + 1]).toBe('unix');
  });

  it('are taken over only from a killed process', async () => {
    const path = join(folder, 'public.sock');
    await start();
    await expect(start()).rejects.toThrow(/EADDRINUSE/);
    for (const each of open.splice(0)) await each.close();
    writeFileSync(path, 'a file of somebody');
    await expect(start()).rejects.toThrow(/EADDRINUSE/);
    rmSync(path);
    await start();
    const peer = new RawPeer(connect(path));
    peer.send('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(parseRaw(await peer.ended).statusLine).toContain(' 200 ');
  });
});

describe('unix sockets of several processes', () => {
  it('are open to every user who may enter their folder, and are taken over from killed workers', async () => {
    const config = `listen: unix:${folder}/public.sock
admin: unix:${folder}/admin.sock
workers: 3
upstream: ${upstream.url}
store: sqlite:${folder}/ledger.db
routes: [{ path: /*, price: free }]
`;
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const gateway = startGatewayProcess(folder, config);
      expect(await gateway.ready).toEqual({ url: `unix:${folder}/public.sock`, adminUrl: `unix:${folder}/admin.sock` });
      expect(statSync(`${folder}/public.sock`).mode & 0o777).toBe(0o666);
      for (let round = 0; round < 6; round += 1) expect(await ask(`${folder}/public.sock`, '/x')).toBe(200);
      expect(await ask(`${folder}/admin.sock`, '/readyz')).toBe(200);
      gateway.kill(signal);
      await gateway.ended;
    }
    expect(statSync(`${folder}/public.sock`, { throwIfNoEntry: false })).toBeUndefined();
  }, 90_000);
});

describe('the admin listener', () => {
  it.each([
    ['evil.example', 421],
    ['evil.example:9402', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost:9402', 200],
    ['127.0.0.1', 200],
    ['[::1]:9402', 200],
    ['turnpike:9402', 200],
    ['turnpike.pay.svc.cluster.local', 200],
    ['metrics.example.com', 200],
  ])('asked as %s answers %i, so that no web page can read it by DNS rebinding', async (host, status) => {
    await start('adminHosts: [metrics.example.com]');
    for (const path of ['/metrics', '/readyz', '/livez'])
      expect(await ask(`${folder}/admin.sock`, path, { Host: host })).toBe(status);
  });
});
