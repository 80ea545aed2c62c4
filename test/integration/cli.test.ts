import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { readAdmin } from '../support/admin.ts';

const BIN = fileURLToPath(new URL('../../bin/turnpike.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-'));
let files = 0;
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  files += 1;
  const path = join(folder, `${files}-gateway.yaml`);
  writeFileSync(path, text);
  return path;
}

/** Collects a stream, and waits for something to appear in it. */
function read(stream: Readable) {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return {
    text: () => text,
    async until(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const match = pattern.exec(text);
        if (match !== null) return match;
        if (stream.readableEnded) throw new Error(`ended without ${pattern}:\n${text}`);
        await Promise.race([once(stream, 'data'), once(stream, 'end')]);
      }
    },
  };
}

/** Runs the command as its own process. */
function spawnCli(...argv: string[]) {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, ['--conditions=development', BIN, ...argv]);
  cleanups.push(() => child.kill('SIGKILL'));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return { child, ended, out: read(child.stdout), err: read(child.stderr) };
}

/** Runs the command inside this process; `signals` is what would reach the process. */
function runCli(...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signals = new EventEmitter();
  const terminal = {
    stdin,
    stdout,
    stderr,
    env: {},
    on: (signal: string, listener: () => void) => signals.on(signal, listener),
    off: (signal: string, listener: () => void) => signals.off(signal, listener),
  };
  const [out, err] = [read(stdout), read(stderr)];
  const code = run(argv, terminal).finally(() => {
    stdout.end();
    stderr.end();
  });
  return { code, signals, out, err };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return address.port;
}

const FREE = (upstream: number, listenOn = '127.0.0.1:0', admin = 'off') => `\
listen: ${listenOn}
admin: ${admin}
upstream: http://127.0.0.1:${upstream}
store: memory
routes:
  - path: /*
    price: free
`;

describe('turnpike start', () => {
  it('says where it listens, serves, logs to stdout, and ends with 0 on SIGTERM', async () => {
    const upstream = await listen(createServer((_, res) => res.end('from the API')));
    const { child, ended, out, err } = spawnCli('start', '-c', file(FREE(upstream, '127.0.0.1:0', '127.0.0.1:0')));
    const ready = /^\{.*turnpike listening on (http:\/\/127\.0\.0\.1:\d+) \(admin (http:\/\/127\.0\.0\.1:\d+)\)"\}\n/;
    const [, url, admin] = await out.until(ready);
    expect(await (await fetch(`${url}/hello`)).text()).toBe('from the API');
    expect((await fetch(`${admin}/livez`)).status).toBe(200);
    await out.until(/"path":"\/hello".*"outcome":"free"/);
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(out.text().match(/listening on/g)).toHaveLength(1);
    for (const line of out.text().trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
    expect(err.text()).toBe('');
  });

  it('lets a request in flight finish on SIGINT', async () => {
    const api = new EventEmitter();
    const upstream = await listen(createServer((_, res) => api.emit('request', res)));
    const { signals, code, out } = runCli('start', '-c', file(FREE(upstream)));
    const [, url] = await out.until(/turnpike listening on (http:\S+) .*\n/);
    const answer = fetch(`${url}/slow`, { headers: { Connection: 'close' } });
    const [res] = await once(api, 'request');
    signals.emit('SIGINT');
    expect(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM')).toBe(0);
    res.end('finished');
    expect(await (await answer).text()).toBe('finished');
    expect(await code).toBe(0);
  });

  it('ends at once on a second signal', async () => {
    const api = new EventEmitter();
    const upstream = await listen(createServer((_, res) => api.emit('request', res)));
    const { child, ended, out } = spawnCli('start', '-c', file(FREE(upstream)));
    const [, url] = await out.until(/turnpike listening on (http:\S+) .*\n/);
    const answer = fetch(`${url}/slow`).catch(() => 'cut');
    await once(api, 'request');
    child.kill('SIGINT');
    // The gateway closes its listener when it begins to drain: from then on nobody can connect.
    await refused(url ?? '');
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: null, signal: 'SIGINT' });
    expect(await answer).toBe('cut');
  });

  it('ends with 1 and one line when the port is in use', async () => {
    const port = await listen(createServer());
    const { code, err } = runCli('start', '-c', file(FREE(port, `127.0.0.1:${port}`)));
    expect(await code).toBe(1);
    expect(err.text()).toContain(
      `turnpike: cannot listen on 127.0.0.1:${port}: the port is in use by another process\n`,
    );
  });

  it('ends with 2 when no facilitator serves an offer', async () => {
    const facilitator = await listen(createServer((_, res) => res.end('{"kinds":[],"extensions":[],"signers":{}}')));
    const { code, out, err } = runCli(
      'start',
      '-c',
      file(`\
listen: 127.0.0.1:0
admin: off
upstream: http://127.0.0.1:1
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: http://127.0.0.1:${facilitator}
routes:
  - path: /*
    price: $0.01
`),
    );
    expect(await code).toBe(2);
    expect(err.text()).toContain(
      `turnpike: no facilitator serves exact on eip155:8453; asked: 127.0.0.1:${facilitator}`,
    );
    expect(out.text()).not.toContain('listening');
  });
});

describe('turnpike start, given a pipe', () => {
  it('refuses it at once as the configuration, where it would wait for ever', async () => {
    const pipe = join(folder, 'pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    const { ended, err } = spawnCli('start', '-c', pipe);
    expect(await ended).toEqual({ code: 2, signal: null });
    expect(err.text()).toContain('it is a pipe');
  });

  it('refuses it at once as a secret', async () => {
    const pipe = join(folder, 'secret');
    execFileSync('mkfifo', [pipe]);
    const config = file(`upstream: { url: "http://127.0.0.1:9", headers: { X-Key: "\${file:${pipe}}" } }
routes: [{ path: /, price: free }]
`);
    const { ended, err } = spawnCli('start', '-c', config);
    expect(await ended).toEqual({ code: 2, signal: null });
    expect(err.text()).toContain(`the file ${pipe} cannot be read: it is a pipe`);
  });
});

describe('turnpike devnet', () => {
  it('prints what is needed to use the chain, and ends it with 0 on a signal', async () => {
    const { signals, code, out, err } = runCli('devnet', '--port', '0');
    const [, url] = await out.until(/^RPC URL {3}(http:\S+)\n/m);
    await err.until(/Ctrl-C/);
    expect(out.text()).toContain('84532');
    expect(out.text()).toContain('0x036CbD53842c5426634e7929541eC2318f3dCF7e');
    expect(out.text()).toContain('has 1000 USDC and no ether, and has approved Permit2');
    expect(out.text().match(/^ {2}key {5}0x[0-9a-f]{64}$/gm)).toHaveLength(3);
    signals.emit('SIGTERM');
    expect(await code).toBe(0);
    await refused(url ?? '');
  });

  it('writes with --config a whole file that is sound', async () => {
    const { signals, code, out, err } = runCli('devnet', '--port', '0', '--config');
    await err.until(/Ctrl-C/);
    signals.emit('SIGTERM');
    expect(await code).toBe(0);
    const file = join(folder, 'devnet.yaml');
    writeFileSync(file, out.text());
    const check = runCli('check', '-c', file);
    expect(await check.code).toBe(0);
    expect(check.out.text()).toContain('fine, 1 route, 1 priced');
    const routes = runCli('routes', '-c', file);
    expect(await routes.code).toBe(0);
    // Only check and start print warnings.
    expect(check.err.text()).toContain('warning: ');
    expect(routes.err.text()).toBe('');
  });

  it('ends with 0 when it is stopped while it starts', async () => {
    const { signals, code, err } = runCli('devnet', '--port', '0');
    // Once it is loaded, the command listens for signals before it does anything else.
    await vi.waitFor(() => expect(signals.listenerCount('SIGINT')).toBe(1));
    signals.emit('SIGINT');
    expect(await code).toBe(0);
    expect(err.text()).toBe('');
  });
});

describe('turnpike demo', () => {
  it(
    'pays a price and a metered one, proves both on chain and leaves nothing behind',
    { timeout: 120_000 },
    async () => {
      const { ended, out, err } = spawnCli('demo', '--once');
      expect(await ended).toEqual({ code: 0, signal: null });
      const text = out.text();
      expect(text).toContain('price: $0.001');
      expect(text).toContain('< HTTP/1.1 402');
      expect(text).toContain('"value": "1000"');
      expect(text).toMatch(/< HTTP\/1\.1 200\n/);
      expect(text).toMatch(/^tx {8}0x[0-9a-f]{64}$/m);
      expect(text).toContain('payee     0 USDC -> 0.001 USDC (+0.001 USDC)');
      expect(text).toContain('buyer     1000 USDC -> 999.999 USDC (-0.001 USDC)');
      expect(text).toContain('buyer     0 ETH, unchanged');
      expect(text).toContain('maximum   0.05 USDC');
      expect(text).toContain('charge    0.00464 USDC');
      expect(text).toContain('payee     0.001 USDC -> 0.00564 USDC (+0.00464 USDC)');
      expect(err.text()).toBe('');
      for (const [, url] of text.matchAll(/^(?:chain|API|gateway) +(http:\S+)/gm)) await refused(url ?? '');
    },
  );

  it('keeps running, shows how to go on, and ends with 0 on a signal', { timeout: 120_000 }, async () => {
    const { signals, code, out } = runCli('demo');
    const [, url] = await out.until(/curl -i (http:\S+)\/healthz/);
    await out.until(/Ctrl-C/);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
    const stream = /TURNPIKE_PAY_KEY=0x[0-9a-f]{64} \\\n +npm run -s turnpike -- pay http:\S+\/v1\/stream/;
    expect(out.text()).toMatch(stream);
    expect(out.text()).toContain(`pay ${url}/v1/chat/completions -d`);
    // The admin page has payments of every kind, one that failed and one in doubt among them.
    const adminUrl = /^ {2}(http:\S+)\/$/m.exec(out.text())?.[1] ?? '';
    const kinds = async (): Promise<readonly string[]> => {
      const { payments } = await readAdmin(adminUrl, '/api/payments', {});
      return [...new Set<string>(payments.map(({ state }: { state: string }) => state))].sort();
    };
    await expect.poll(kinds, { timeout: 30_000 }).toEqual(['delivered', 'failed', 'released', 'unknown']);
    expect(await (await fetch(`${adminUrl}/`)).text()).toContain('<title>Turnpike</title>');
    signals.emit('SIGINT');
    expect(await code).toBe(0);
    for (const [, part] of out.text().matchAll(/^(?:chain|API|gateway) +(http:\S+)/gm)) await refused(part ?? '');
  });
});

describe('a command whose output is full', () => {
  it.skipIf(!existsSync('/dev/full')).each([['schema'], ['keys', 'new', 'ACME'], ['completion', 'bash']])(
    'ends with 1: %s',
    (...argv) => {
      const { status, stderr } = spawnSync(process.execPath, ['--conditions=development', BIN, ...argv], {
        stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([1, expect.stringContaining('the output cannot be written')]);
    },
  );
});

describe('a command whose output is closed', () => {
  it('ends with 0 and no error', async () => {
    const { child, ended, err } = spawnCli('schema');
    child.stdout.destroy();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(err.text()).toBe('');
  });
});

/** Resolves once nothing listens at the URL any more. */
async function refused(url: string): Promise<void> {
  const { port } = new URL(url);
  for (;;) {
    const socket = connect(Number(port), '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!connected) return;
  }
}
