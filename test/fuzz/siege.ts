import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../crash/random.ts';
import { buildPackage } from '../support/built-package.ts';
import { type Holdings, startWatchedGateway, type WatchedGateway } from '../support/watched-gateway.ts';
import { ENDLESS, startFuzzApi } from './api.ts';
import { startFuzzFacilitator } from './facilitator.ts';
import { requirementOf } from './fuzz.ts';
import { HonestClients } from './honest.ts';
import { priceTable } from './price-table.ts';
import { readLog } from './read-log.ts';
import { Violations } from './violations.ts';
import { Wallet } from './wallet.ts';

/** How many stalled clients of each kind there are at the same time. */
export interface SiegeTerms {
  /** Downloads of a gibibyte that the client stops reading. */
  readonly downloads: number;
  /** Uploads that stop in the middle. */
  readonly uploads: number;
  /** Idle WebSockets. */
  readonly webSockets: number;
  /** Request heads without their last line. */
  readonly heads: number;
  /** Milliseconds for which honest clients are served meanwhile. */
  readonly honestMs: number;
}

/** The result of a siege. */
export interface SiegeResult {
  readonly violations: Violations;
  readonly idle: Holdings;
  readonly besieged: Holdings;
  readonly afterwards: Holdings;
  /** Most resident memory that was seen, in bytes. */
  readonly peakRssBytes: number;
  readonly boundBytes: number;
  /** Milliseconds of honest requests, sorted: before, and meanwhile. */
  readonly alone: readonly number[];
  readonly meanwhile: readonly number[];
}

/** Memory that the gateway may take for stalled clients, in bytes: its own buffers and those of the system's sockets. */
const PER_DOWNLOAD_BYTES = 1024 * 1024;
const PER_UPLOAD_BYTES = 256 * 1024;
const PER_WEB_SOCKET_BYTES = 64 * 1024;
const PER_HEAD_BYTES = 32 * 1024;
/** And for serving honest clients beside them: the heap grows before it is collected. */
const WORKING_BYTES = 64 * 1024 * 1024;

const HONEST = 4;
const UPLOAD_BYTES = 10 * 1024 * 1024;

/** Holds stalled clients at a gateway with default limits, and serves honest clients beside them. */
export async function runSiege(terms: SiegeTerms): Promise<SiegeResult> {
  const built = await buildPackage();
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-siege-'));
  const violations = new Violations();
  let wallet: Wallet | undefined;
  const signed = (): Wallet => {
    if (wallet === undefined) throw new Error('nothing is signed before the price is known');
    return wallet;
  };
  const [api, facilitator] = await Promise.all([
    startFuzzApi(signed, violations),
    startFuzzFacilitator(signed, violations),
  ]);
  const store = `sqlite:${join(folder, 'ledger.db')}`;
  const config = priceTable({ apiUrl: api.url, facilitatorUrl: facilitator.url, store });
  const onLine = (line: string): void => readLog(line, violations);
  const gateway = await startWatchedGateway({ command: built.command, folder, config, onLine });
  try {
    wallet = new Wallet(new Random(1), await requirementOf(gateway.url));
    return await besiege(gateway, wallet, terms, violations);
  } finally {
    await gateway.stop();
    await Promise.all([api.close(), facilitator.close()]);
    built.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function besiege(
  gateway: WatchedGateway,
  wallet: Wallet,
  terms: SiegeTerms,
  violations: Violations,
): Promise<SiegeResult> {
  const serve = (): Promise<readonly number[]> => serveHonest(gateway, wallet, terms.honestMs, violations);
  const alone = await serve();
  const idle = await gateway.holdings();
  let peakRssBytes = 0;
  const sampler = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, gateway.ended() === undefined ? gateway.rssBytes() : 0);
  }, 100);
  const sockets = await standAround(gateway.port, terms);
  const meanwhile = await serve();
  const besieged = await gateway.holdings();
  clearInterval(sampler);
  const boundBytes = boundOf(idle, terms);
  if (peakRssBytes > boundBytes)
    violations.add('memory grows', `${peakRssBytes} bytes, where ${boundBytes} are allowed`);
  const dropped = sockets.filter((socket) => socket.destroyed).length;
  for (const socket of sockets) socket.destroy();
  if (dropped > 0) violations.add('cut although it may stand around', `${dropped} connections`);
  const afterwards = await settled(gateway, idle, violations);
  return { violations, idle, besieged, afterwards, peakRssBytes, boundBytes, alone, meanwhile };
}

function boundOf(idle: Holdings, { downloads, uploads, webSockets, heads }: SiegeTerms): number {
  return (
    idle.rssBytes +
    WORKING_BYTES +
    downloads * PER_DOWNLOAD_BYTES +
    uploads * PER_UPLOAD_BYTES +
    webSockets * PER_WEB_SOCKET_BYTES +
    heads * PER_HEAD_BYTES
  );
}

/**
 * Everything is released when its client has left. For a call that is aborted, undici may open its connection again and
 * close it as idle a few seconds later: the final number of descriptors counts.
 */
async function settled(gateway: WatchedGateway, idle: Holdings, violations: Violations): Promise<Holdings> {
  const until = performance.now() + 20_000;
  const mostDescriptors = idle.descriptors + 32;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const afterwards = await gateway.holdings();
    if (afterwards.descriptors <= mostDescriptors) return afterwards;
    if (performance.now() < until) continue;
    violations.add('descriptors are left open', `${idle.descriptors} before, ${afterwards.descriptors} after`);
    return afterwards;
  }
}

async function serveHonest(
  gateway: WatchedGateway,
  wallet: Wallet,
  ms: number,
  violations: Violations,
): Promise<readonly number[]> {
  const honest = new HonestClients(gateway.port, wallet, new Random(2), violations);
  const endsAt = performance.now() + ms;
  const isOver = (): boolean => performance.now() >= endsAt || gateway.ended() !== undefined;
  await Promise.all(Array.from({ length: HONEST }, () => honest.goOn(isOver)));
  honest.close();
  if (gateway.ended() !== undefined) violations.add('the process ended', gateway.ended() ?? '');
  return honest.latencies.toSorted((a, b) => a - b);
}

async function standAround(port: number, { downloads, uploads, webSockets, heads }: SiegeTerms): Promise<Socket[]> {
  const host = 'Host: gw.test\r\n';
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
  const half = Buffer.alloc(64 * 1024);
  const stalled = await Promise.all([
    ...Array.from({ length: downloads }, () => stall(port, `GET ${ENDLESS} HTTP/1.1\r\n${host}\r\n`, true)),
    ...Array.from({ length: uploads }, async () => {
      const head = `POST /free/upload HTTP/1.1\r\n${host}Content-Length: ${UPLOAD_BYTES}\r\n\r\n`;
      const socket = await stall(port, head, false);
      socket.write(half);
      return socket;
    }),
    ...Array.from({ length: heads }, () => stall(port, `GET /free/head HTTP/1.1\r\n${host}X-Slow: `, false)),
  ]);
  // Not all at once: a listener's queue is short, and this is about what is open.
  for (let left = webSockets; left > 0; left -= 100) {
    const some = Array.from({ length: Math.min(100, left) }, () =>
      stall(port, `GET /socket/free HTTP/1.1\r\n${host}${upgrade}\r\n`, true),
    );
    stalled.push(...(await Promise.all(some)));
  }
  return stalled;
}

/** Connects, sends, and stops reading: at once, or after the first bytes of an answer. */
async function stall(port: number, bytes: string, isAnswered: boolean): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  socket.write(bytes);
  if (isAnswered) await once(socket, 'data');
  socket.pause();
  return socket;
}
