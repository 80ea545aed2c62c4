import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { type Dispatcher, Pool, request } from 'undici';
import { LONG_BYTES, openMeteredWorld } from './metered-world.ts';
import { openPaymentSigner } from './payment-signer.ts';
import { processorMicrosOf } from './processor-time.ts';
import { highestDuring, residentMegabytes } from './resident-memory.ts';
import { quantile, spreadOf } from './spread.ts';
import { openUptoSigner } from './upto-signer.ts';

/*
 * `node test/bench/metered.ts [--rounds N] [--store memory|sqlite]`: metered calls beside plain paid ones, through the same
 * gateway, API and facilitator, in turn: the time to the first event of a stream, the throughput and the processor time of
 * JSON calls, and resident memory over a stream of 1 GB. test/bench/figures.md holds the figures.
 */

const CONNECTIONS = 16;
/** Calls of one block, whose time is taken at once. */
const BLOCK = 600;
const STREAMS = 40;
/** Milliseconds between two streams: what one leaves to be settled behind its answer is over before the next begins. */
const PAUSE_MS = 40;
const BODY = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'How many legs?' }] });

/** Signs so many payments for a URL, as values of `PAYMENT-SIGNATURE`. */
type Signing = (url: string, count: number) => Promise<string[]>;

async function openSigning(): Promise<Signing> {
  const [exact, upto] = [await openPaymentSigner(), await openUptoSigner()];
  return async (url, count) => {
    const response = await request(url, { method: 'POST', body: BODY });
    await response.body.dump();
    const { accepts, resource } = decodePaymentRequiredHeader(String(response.headers['payment-required']));
    const [accepted] = accepts;
    if (accepted === undefined) throw new Error(`${url} states no price`);
    const sign = accepted.scheme === 'upto' ? upto : exact;
    return Array.from({ length: count }, () =>
      encodePaymentSignatureHeader({ x402Version: 2, accepted, payload: { ...sign(accepted) }, resource }),
    );
  };
}

/** Sends one paid call; milliseconds to the first bytes of its body. */
async function call(pool: Dispatcher, path: string, payment: string): Promise<number> {
  const begun = performance.now();
  const headers = { 'content-type': 'application/json', 'payment-signature': payment };
  const { statusCode, body } = await pool.request({ method: 'POST', path, body: BODY, headers });
  if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}: ${await body.text()}`);
  let first: number | undefined;
  for await (const _ of body) first ??= performance.now() - begun;
  return first ?? Number.NaN;
}

/** Milliseconds to the first event: the median of some streams, each by itself. */
async function firstEvents(pool: Pool, path: string, payments: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (const payment of payments) {
    times.push(await call(pool, path, payment));
    await pause(PAUSE_MS);
  }
  return quantile(times, 0.5);
}

interface Work {
  readonly perSecond: number;
  readonly micros: number;
}

/** A block of calls over all connections. */
async function block(pool: Pool, pid: number, path: string, payments: string[]): Promise<Work> {
  const calls = payments.length;
  const [begun, before] = [performance.now(), await processorMicrosOf(pid)];
  const loops = Array.from({ length: CONNECTIONS }, async () => {
    for (let payment = payments.pop(); payment !== undefined; payment = payments.pop()) await call(pool, path, payment);
  });
  await Promise.all(loops);
  const micros = ((await processorMicrosOf(pid)) - before) / calls;
  return { perSecond: calls / ((performance.now() - begun) / 1000), micros };
}

/** The most that is resident over the long stream, against what was before, in MB; and at its end. */
async function growth(url: string, pid: number, path: string, sign: Signing): Promise<readonly [number, number]> {
  const pool = new Pool(url, { connections: 1 });
  const [payment = ''] = await sign(`${url}${path}`, 1);
  const before = await residentMegabytes(pid);
  const read = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json', 'payment-signature': payment };
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path,
      body: BODY,
      headers,
      bodyTimeout: 0,
    });
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.length;
    if (statusCode !== 200 || bytes < LONG_BYTES) throw new Error(`${path} answered ${statusCode}, ${bytes} bytes`);
  };
  const highest = await highestDuring(pid, read());
  await pool.destroy();
  return [highest - before, (await residentMegabytes(pid)) - before];
}

function row(name: string, values: readonly number[], digits = 2): string {
  const { median: middle, min, max } = spreadOf(values);
  return `| ${name} | ${middle.toFixed(digits)} | ${min.toFixed(digits)} to ${max.toFixed(digits)} |\n`;
}

async function run(rounds: number, store: 'memory' | 'sqlite'): Promise<void> {
  const sign = await openSigning();
  const world = await openMeteredWorld(store);
  const { url, pid } = world;
  const pool = new Pool(url, { connections: CONNECTIONS });
  const signed = (path: string, count: number) => sign(`${url}${path}`, count);
  const firsts = ['/metered/stream', '/plain/stream', '/credit/stream'].map((path) => ({ path, ms: [] as number[] }));
  const blocks = ['/metered/json', '/plain/json'].map((path) => ({ path, work: [] as Work[] }));
  const print = (line: string): void => void process.stdout.write(line);
  try {
    for (let round = -1; round < rounds; round += 1) {
      // The first round compiles, and is not counted.
      for (const { path, ms } of firsts) {
        const taken = await firstEvents(pool, path, await signed(path, STREAMS));
        if (round >= 0) ms.push(taken);
      }
      for (const { path, work } of blocks) {
        const done = await block(pool, pid, path, await signed(path, BLOCK));
        if (round >= 0) work.push(done);
      }
    }
    const [metered = [], plain = [], credit = []] = firsts.map(({ ms }) => ms);
    const [ofMetered = [], ofPlain = []] = blocks.map(({ work }) => work);
    const against = (one: readonly number[], other: readonly number[]): number[] =>
      one.map((value, index) => value / (other[index] ?? Number.NaN));
    print(`store: ${store}, ${rounds} rounds\n| | median | lowest to highest round |\n|---|---|---|\n`);
    print(row('first event, metered stream, ms', metered));
    print(row('first event, plain paid stream, ms', plain));
    print(row('first event, plain stream on credit, ms', credit));
    print(row('metered / plain, first event', against(metered, plain)));
    print(row('metered / on credit, first event', against(metered, credit)));
    const rates = [ofMetered, ofPlain].map((work) => work.map(({ perSecond }) => perSecond));
    const micros = [ofMetered, ofPlain].map((work) => work.map((one) => one.micros));
    print(row('metered JSON calls a second', rates[0] ?? [], 0));
    print(row('plain paid JSON calls a second', rates[1] ?? [], 0));
    print(row('metered / plain, rate', against(rates[0] ?? [], rates[1] ?? [])));
    print(row('processor time of a metered call, µs', micros[0] ?? [], 0));
    print(row('processor time of a plain paid call, µs', micros[1] ?? [], 0));
    print(row('plain / metered, processor time', against(micros[1] ?? [], micros[0] ?? [])));
    for (const path of ['/plain/long', '/metered/long', '/metered/long']) {
      const [highest, after] = await growth(url, pid, path, sign);
      print(`| ${path}, 1 GB: more resident at most, MB | ${highest.toFixed(1)} | ${after.toFixed(1)} after |\n`);
    }
  } finally {
    await pool.destroy();
    await world.close();
  }
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, store: { type: 'string', default: 'sqlite' } },
});
if (values.store !== 'sqlite' && values.store !== 'memory') throw new Error('--store is memory or sqlite');
await run(Number(values.rounds), values.store);
