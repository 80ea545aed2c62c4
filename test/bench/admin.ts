import { dirname, join } from 'node:path';
import { fillLedger } from './scaling/fill-ledger.ts';
import { Workbench } from './workbench.ts';

/*
 * How long every view of the admin page takes on a SQLite ledger with many payments, on a gateway as it is shipped: the
 * first time after it said that it is ready, and then again. Run it with `node test/bench/admin.ts [payments]`.
 */

const PAYMENTS = Number(process.argv[2] ?? 1_000_000);
const AGAIN = 10;
/** What nobody should have to wait longer than, in milliseconds. */
const MOST_MS = 1000;

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
async function measure(adminUrl: string): Promise<readonly string[]> {
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
  await fillLedger(join(dirname(file), 'ledger.db'), PAYMENTS, 'delivered');
  const command = await bench.commandOn(file);
  const slow = await measure(command.adminUrl);
  if (slow.length > 0) {
    process.stdout.write(`over ${MOST_MS} ms: ${slow.join(', ')}\n`);
    process.exitCode = 1;
  }
} finally {
  await bench.close();
}
