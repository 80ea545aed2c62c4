import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { openPaymentSigner, payerFor } from './payment-signer.ts';
import { fillLedger } from './scaling/fill-ledger.ts';
import { quantile } from './spread.ts';
import { Workbench } from './workbench.ts';

/*
 * How long every view of the admin page takes on a SQLite ledger with many payments, on a gateway as it is shipped: the
 * first time after it said that it is ready, and then again. And what paid requests take meanwhile: alone, with a page open
 * that looks every second (it looks every ten), and with one view read after the other without a pause. Run it with
 * `node test/bench/admin.ts [payments]`.
 */

const PAYMENTS = Number(process.argv[2] ?? 1_000_000);
const AGAIN = 10;
/** What nobody should have to wait longer than, in milliseconds. */
const MOST_MS = 1000;
/** Paid requests a second, for so many seconds in each turn, so many turns. */
const [RATE, SECONDS, TURNS] = [50, 4, 5];

/** What the page asks for, in the order in which a person comes to it. */
const VIEWS = [
  '/',
  '/api/status',
  '/api/revenue?days=30',
  '/api/revenue?days=7',
  '/api/revenue?days=1',
  '/api/funnel',
  '/api/doubt',
  '/api/payments',
  '/api/payments?state=failed',
  '/api/payments?route=route-3',
  '/api/payments?payer=0x0000000000000000000000000000000000000001',
  '/api/payments?name=nothing-has-this-name',
  '/api/passes',
  '/api/routes',
  '/api/configuration',
  '/api/facilitators',
] as const;
/** What the overview asks for at each look. */
const OVERVIEW = ['/api/status', '/api/revenue?days=30', '/api/funnel', '/api/doubt?limit=1'] as const;

/** Asks for a view and reads all of it; resolves with the milliseconds. */
async function timeOf(url: string): Promise<number> {
  const startedAt = performance.now();
  const answer = await fetch(url);
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return performance.now() - startedAt;
}

function say(what: string, ...figures: readonly string[]): void {
  process.stdout.write(`${what.padEnd(72)}${figures.map((figure) => figure.padStart(12)).join('')}\n`);
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

/** Measures every view, and returns those that took too long. */
async function measureViews(adminUrl: string): Promise<readonly string[]> {
  say(`${PAYMENTS} payments`, 'first', 'median', 'longest');
  const slow: string[] = [];
  for (const view of VIEWS) {
    const first = await timeOf(adminUrl + view);
    const again: number[] = [];
    for (let turn = 0; turn < AGAIN; turn += 1) again.push(await timeOf(adminUrl + view));
    again.sort((a, b) => a - b);
    const longest = again.at(-1) ?? 0;
    say(view, ms(first), ms(again[Math.floor(AGAIN / 2)] ?? 0), ms(longest));
    if (Math.max(first, longest) > MOST_MS) slow.push(view);
  }
  return slow;
}

/** How somebody looks at the page while requests are paid for, until the signal fires. */
type Look = (adminUrl: string, signal: AbortSignal) => Promise<void>;

const LOOKS: Readonly<Record<string, Look>> = {
  'nobody looks': async () => undefined,
  'the overview, every second': async (adminUrl, signal) => {
    while (!signal.aborted) {
      await Promise.all(OVERVIEW.map((view) => timeOf(adminUrl + view)));
      await pause(1000, undefined, { signal }).catch(() => undefined);
    }
  },
  'every view, without a pause': async (adminUrl, signal) => {
    while (!signal.aborted) for (const view of VIEWS) await timeOf(adminUrl + view);
  },
};

/** Paid requests at a steady rate; resolves with what each took, in milliseconds. */
async function pay(url: string, headers: readonly string[], dispatcher: Agent): Promise<readonly number[]> {
  const startedAt = performance.now();
  return await Promise.all(
    headers.map(async (header, index) => {
      await pause(Math.max(0, startedAt + (index * 1000) / RATE - performance.now()));
      const begunAt = performance.now();
      const { statusCode, body } = await request(url, { dispatcher, headers: { 'payment-signature': header } });
      await body.dump();
      if (statusCode !== 200) throw new Error(`a paid request got ${statusCode}`);
      return performance.now() - begunAt;
    }),
  );
}

/** Measures paid requests under each look in turn, so that a slow moment of the machine falls on all of them. */
async function measureLatency(url: string, adminUrl: string): Promise<void> {
  const sign = await payerFor(url, await openPaymentSigner());
  const dispatcher = new Agent({ connections: 20 });
  const taken = new Map<string, number[]>(Object.keys(LOOKS).map((name) => [name, []]));
  await pay(url, sign(RATE), dispatcher);
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [name, look] of Object.entries(LOOKS)) {
      const over = new AbortController();
      const looking = look(adminUrl, over.signal);
      taken.get(name)?.push(...(await pay(url, sign(RATE * SECONDS), dispatcher)));
      over.abort();
      await looking;
    }
  }
  await dispatcher.close();
  say(`paid requests, ${RATE} a second, while`, 'p50', 'p90', 'p99');
  for (const [name, times] of taken) say(name, ...[0.5, 0.9, 0.99].map((level) => ms(quantile(times, level))));
}

const bench = await Workbench.open({
  connections: 1,
  npmOnly: true,
  profileFolder: undefined,
  before: undefined,
  peer: undefined,
  worldPort: undefined,
});
try {
  const file = await bench.config({ routes: '  - { path: /paid, price: $0.001 }\n', store: 'sqlite' });
  await fillLedger(join(dirname(file), 'ledger.db'), PAYMENTS, 'delivered', 0);
  const command = await bench.commandOn(file);
  const slow = await measureViews(command.adminUrl);
  await measureLatency(`${command.url}/paid`, command.adminUrl);
  if (slow.length > 0) {
    process.stdout.write(`over ${MOST_MS} ms: ${slow.join(', ')}\n`);
    process.exitCode = 1;
  }
} finally {
  await bench.close();
}
