import { type ChildProcess, spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltPackage, buildPackage } from '../support/built-package.ts';
import { signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const MEBIBYTE = 1024 * 1024;
const BODY_BYTES = 50 * MEBIBYTE;
/** The most that the process may have in RAM. Idle it has some 95 MiB; two bodies held would bring it to twice that. */
const LIMIT_BYTES = 150_000_000;
const CHUNK = Buffer.alloc(64 * 1024);

const UPLOAD_SEED = 1;
const DOWNLOAD_SEED = 2;

/** As in the container: one arena keeps what was freed by many threads from lying about. */
const ONE_ARENA = { MALLOC_ARENA_MAX: '1' };

let built: BuiltPackage;
let folder: string;
let devnet: Devnet;
let upstream: TestUpstream;
let gateway: ChildProcess;
let gatewayUrl: string;
let buyer: Payer;

beforeAll(async () => {
  [devnet, upstream, built] = await Promise.all([startDevnet(), startUpstream(exchangeLargeBodies), buildPackage()]);
  folder = await mkdtemp(join(tmpdir(), 'turnpike-large-bodies-'));
  const file = join(folder, 'gateway.yaml');
  await writeFile(
    file,
    `listen: 127.0.0.1:0
admin: off
${settings(devnet, upstream.url)}
routes:
  - { path: /free, price: free }
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
`,
  );
  gateway = spawn(process.execPath, [built.command, 'start', '-c', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...ONE_ARENA },
  });
  gatewayUrl = await listeningUrl(gateway);
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  gateway.kill('SIGTERM');
  await once(gateway, 'exit');
  built.remove();
  await Promise.all([devnet.close(), upstream.close(), rm(folder, { recursive: true })]);
});

describe.each(['/free', '/after', '/before'])('a body of 50 MB on the route %s', (path) => {
  it('is uploaded byte for byte without being held in memory', async () => {
    const headers = await paymentFor(path, 'POST');
    const body = Readable.from(bytesOf(UPLOAD_SEED));
    const response = await request(gatewayUrl + path, { method: 'POST', headers, body });
    expect(response.statusCode).toBe(200);
    expect(await response.body.text()).toBe(await hashOf(bytesOf(UPLOAD_SEED)));
    expect(await peakBytesOf(gateway)).toBeLessThan(LIMIT_BYTES);
  });

  it('is downloaded byte for byte without being held in memory', async () => {
    const response = await request(gatewayUrl + path, { headers: await paymentFor(path, 'GET') });
    expect(response.statusCode).toBe(200);
    expect(response.headers['payment-response'] !== undefined).toBe(path !== '/free');
    expect(await hashOf(response.body)).toBe(await hashOf(bytesOf(DOWNLOAD_SEED)));
    expect(await peakBytesOf(gateway)).toBeLessThan(LIMIT_BYTES);
  });
});

/** An API that answers an upload with its hash, and anything else with a large body. */
async function exchangeLargeBodies(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method === 'POST') res.end(await hashOf(req));
  else await pipeline(Readable.from(bytesOf(DOWNLOAD_SEED)), res);
}

async function paymentFor(path: string, method: string): Promise<Record<string, string>> {
  if (path === '/free') return {};
  return { 'PAYMENT-SIGNATURE': await signFor(devnet, buyer, gatewayUrl + path, { method }) };
}

/** A body that nothing on the way can compress or guess, in pieces. */
function* bytesOf(seed: number): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  for (let made = 0; made < BODY_BYTES; made += CHUNK.length) yield cipher.update(CHUNK);
}

async function hashOf(chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return `${bytes} bytes, ${hash.digest('hex')}`;
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the gateway has no output');
  // Goes on reading after the first line: a full pipe would stop the gateway at its request log.
  const [line] = await once(createInterface(child.stdout), 'line');
  const url = /turnpike listening on (http:\S+)/.exec(line)?.[1];
  if (url === undefined) throw new Error(`the gateway did not start: ${line}`);
  return url;
}

/** The most memory that a process has had in RAM so far, in bytes. The kernel keeps it; nothing can fall between. */
async function peakBytesOf(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
