import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { bringCustomers } from '../../src/cli/demo/customers.ts';
import { openWorld } from '../../src/cli/demo/world.ts';
import { findChromium, startBrowser } from '../support/browser.ts';
import { median } from './spread.ts';

/*
 * When a browser that has never been there shows something of the two pages, on what `turnpike demo` starts, how much they
 * weigh, and whom they ask. Needs Debian's chromium. Run it with
 * `node --conditions=development test/bench/first-paint.ts [visits]`.
 */

const VISITS = Number(process.argv[2] ?? 15);
/** What a first paint may take, in milliseconds, and a page weigh, in bytes. */
const [MOST_MS, MOST_BYTES] = [1000, 100_000];

/** One visit, in milliseconds from when the browser was told to go there. */
interface Visit {
  readonly firstPaint: number;
  /** When all that it first shows is there. */
  readonly complete: number;
  readonly bytes: number;
  /** Origins that it asked besides its own. */
  readonly foreign: readonly string[];
}

/** @param last what the page shows last */
async function visit(browser: Browser, url: string, last: string): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const foreign = new Set<string>();
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== 'data:' && origin !== new URL(url).origin) foreign.add(origin);
    });
    const startedAt = performance.now();
    const answer = await page.goto(url);
    await page.locator(last).first().waitFor();
    const complete = performance.now() - startedAt;
    const firstPaint = await page.evaluate<number>(
      'performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN',
    );
    return { firstPaint, complete, bytes: (await answer?.body())?.length ?? 0, foreign: [...foreign] };
  } finally {
    await context.close();
  }
}

const chromium = findChromium();
if (chromium === undefined) throw new Error('there is no chromium on this machine: apt-get install chromium');
const world = await openWorld(pino({ level: 'silent' }), new AbortController().signal);
const browser = await startBrowser(chromium);
try {
  await bringCustomers(world);
  const pages = [
    ['paywall', `${world.gateway.url}/v1/weather/oslo`, '.problem p'],
    ['admin page', `${world.gateway.adminUrl}/`, '.tiles'],
  ] as const;
  for (const [name, url, last] of pages) {
    const visits: Visit[] = [];
    for (let count = 0; count < VISITS; count += 1) visits.push(await visit(browser, url, last));
    const told = (of: (visit: Visit) => number): string => {
      const values = visits.map(of);
      return `${(values[0] ?? Number.NaN).toFixed(0)} ms at first, median ${median(values).toFixed(0)}, longest ${Math.max(...values).toFixed(0)}`;
    };
    const bytes = Math.max(...visits.map((each) => each.bytes));
    const foreign = visits.flatMap((each) => each.foreign);
    process.stdout.write(`${name}, ${VISITS} visits
  first paint  ${told(({ firstPaint }) => firstPaint)}
  all shown    ${told(({ complete }) => complete)}
  weight       ${bytes} bytes
  asks         ${foreign.length === 0 ? 'nobody else' : foreign.join(', ')}
`);
    const isSlow = visits.some(({ firstPaint }) => !(firstPaint <= MOST_MS));
    if (isSlow || bytes > MOST_BYTES || foreign.length > 0) process.exitCode = 1;
  }
} finally {
  await browser.close();
  await world.close();
}
