import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { openPaymentSigner, payerFor } from './payment-signer.ts';
import { highestDuring, residentMegabytes } from './resident-memory.ts';
import type { TurnpikeCommand } from './turnpike-command.ts';
import { Workbench } from './workbench.ts';

/*
 * What the command holds in memory and on disk: idle, after many paid calls, with many large answers to keep, and with
 * calls that the API refuses. Run it with `node test/bench/footprint.ts [paid calls] [the script of another build]`.
 */

const PAID_CALLS = Number(process.argv[2] ?? 10_000);
const BUILD = process.argv[3];
const REFUSED_CALLS = 2000;
const ROUNDS = 2;
/** As many large answers at once as an attacker asked for. */
const LARGE_CALLS = 120;
const LARGE_BYTES = 3_900_000;
const AT_ONCE = 16;
/** How long a process is left alone before its memory counts as that of an idle one, in milliseconds. */
const IDLE_MS = 5000;

const agent = new Agent({ connections: LARGE_CALLS, pipelining: 1, headersTimeout: 300_000, bodyTimeout: 300_000 });

/** Sends a paid request for each payment, `atOnce` at a time; resolves with how many were answered by each status. */
async function payEach(url: string, payments: string[], atOnce: number, method: 'GET' | 'POST'): Promise<string> {
  const statuses = new Map<number, number>();
  const queue = payments.values();
  const lane = async (): Promise<void> => {
    for (const payment of queue) {
      const headers = { 'PAYMENT-SIGNATURE': payment };
      const { statusCode, body } = await request(url, { method, headers, dispatcher: agent });
      await body.dump({ limit: Number.MAX_SAFE_INTEGER });
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return [...statuses].map(([status, count]) => `${count} x ${status}`).join(', ');
}

/** An API whose large answers are all there before the first of them ends, and which does not know `/missing`. */
async function startApi(): Promise<{ readonly url: string; readonly server: Server }> {
  const large = Buffer.alloc(LARGE_BYTES, '.');
  const server = createServer((req, res) => {
    if (req.url === '/missing') res.writeHead(404).end('not here');
    else res.end(large);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server };
}

/** Bytes of a SQLite file with its log. */
function bytesOnDisk(file: string): number {
  const path = join(dirname(file), 'ledger.db');
  return ['', '-wal'].reduce((sum, end) => sum + (statSync(path + end, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function say(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(56)} ${figure}\n`);
}

const megabytes = (value: number): string => `${value.toFixed(0)} MB`;

async function start(bench: Workbench, routes: string): Promise<{ command: TurnpikeCommand; file: string }> {
  const file = await bench.config({ routes, store: 'sqlite' });
  return { file, command: await bench.commandOn(file, BUILD) };
}

async function measurePaidCalls(bench: Workbench): Promise<void> {
  const { command, file } = await start(bench, '  - { path: /*, price: $0.001 }\n');
  await wait(IDLE_MS);
  say('resident, idle, SQLite', megabytes(await residentMegabytes(command.pid)));
  const before = bytesOnDisk(file);
  const url = `${command.url}/paid`;
  const pay = await payerFor(url, await openPaymentSigner());
  let answered = '';
  const highest = await highestDuring(
    command.pid,
    payEach(url, pay(PAID_CALLS), AT_ONCE, 'GET').then((statuses) => {
      answered = statuses;
    }),
  );
  say(`highest during ${PAID_CALLS} paid calls (${answered})`, megabytes(highest));
  await wait(IDLE_MS);
  say('resident some seconds after them', megabytes(await residentMegabytes(command.pid)));
  await command.stop();
  // The log of the database is as large as it ever was, until it is closed.
  say('on disk for each', `${((bytesOnDisk(file) - before) / PAID_CALLS).toFixed(0)} bytes`);
}

async function measureKeptAnswers(bench: Workbench, apiUrl: string): Promise<void> {
  const routes = `  - { path: /*, price: $0.001, keepAnswers: { size: 4MB }, upstream: "${apiUrl}" }\n`;
  const { command, file } = await start(bench, routes);
  const url = `${command.url}/large`;
  const pay = await payerFor(url, await openPaymentSigner());
  let answered = '';
  const highest = await highestDuring(
    command.pid,
    payEach(url, pay(LARGE_CALLS), LARGE_CALLS, 'POST').then((statuses) => {
      answered = statuses;
    }),
  );
  say(`highest with ${LARGE_CALLS} answers of 3.9 MB to keep (${answered})`, megabytes(highest));
  await command.stop();
  say('on disk after them', megabytes(bytesOnDisk(file) / 1_048_576));
}

async function measureRefusedCalls(bench: Workbench, apiUrl: string): Promise<void> {
  const { command, file } = await start(bench, `  - { path: /*, price: $0.001, upstream: "${apiUrl}" }\n`);
  const url = `${command.url}/missing`;
  const pay = await payerFor(url, await openPaymentSigner());
  const before = bytesOnDisk(file);
  let answered = '';
  for (let round = 0; round < ROUNDS; round += 1) {
    // Rows of payments that moved no money go after a minute; the next calls take their room.
    if (round > 0) await wait(75_000);
    answered = await payEach(url, pay(REFUSED_CALLS), AT_ONCE, 'GET');
  }
  await command.stop();
  const each = (bytesOnDisk(file) - before) / (ROUNDS * REFUSED_CALLS);
  say(`on disk for each call that the API refuses (${ROUNDS} x ${answered})`, `${each.toFixed(0)} bytes`);
}

const { url: apiUrl, server } = await startApi();
const bench = await Workbench.open({
  connections: AT_ONCE,
  npmOnly: true,
  profileFolder: undefined,
  before: undefined,
  peer: undefined,
  worldPort: undefined,
});
try {
  await measurePaidCalls(bench);
  await measureKeptAnswers(bench, apiUrl);
  await measureRefusedCalls(bench, apiUrl);
} finally {
  await bench.close();
  server.closeAllConnections();
  server.close();
  await agent.close();
}
