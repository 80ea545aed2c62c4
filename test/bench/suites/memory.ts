import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';
import { bringEach, sellerOfPasses, writeTokens } from '../access-tokens.ts';
import { highestDuring, residentMegabytes } from '../resident-memory.ts';
import type { CostSuite } from '../suite.ts';
import type { Workbench } from '../workbench.ts';
import { table } from './routes.ts';

const LARGE_MB = 1024;
const TOKENS = 100_000;
/** How long a process is left alone before its memory counts as that of an idle one, in milliseconds. */
const IDLE_MS = 2000;
/** What is asked before growth is measured, in seconds: compilers, connections and buffers are none of it. */
const WARM_UP_SECONDS = 3;

/** What the command holds resident, and by how much that grows. A round is as long as its work takes. */
export const memory: CostSuite = {
  kind: 'costs',
  title: 'resident memory of the command',
  open: async (bench) => ({
    costs: [
      { name: 'idle, with 10 000 routes', unit: 'MB', atMost: 120 },
      { name: 'idle, with 10 routes', unit: 'MB' },
      { name: 'more through a streamed answer of 1 GB', unit: 'MB', atMost: 30 },
      { name: 'more through 100 000 access tokens', unit: 'MB', atMost: 60 },
      { name: 'more through as many calls with one token, before', unit: 'MB' },
    ],
    measure: async () => [
      await idle(bench, 10_000),
      await idle(bench, 10),
      await growthByLargeAnswer(bench),
      ...(await growthByTokens(bench)),
    ],
  }),
};

async function idle(bench: Workbench, routes: number): Promise<number> {
  const { command } = await bench.command({ routes: table(routes), store: 'sqlite' });
  await wait(IDLE_MS);
  const megabytes = await residentMegabytes(command.pid);
  await command.stop();
  return megabytes;
}

/** The most that is resident while the answer runs through, against what was before. */
async function growthByLargeAnswer(bench: Workbench): Promise<number> {
  const large = await bench.system('large-answer', [String(LARGE_MB)]);
  const routes = `  - { path: /small, price: free }\n  - { path: /large, price: free, upstream: "${large.url}" }\n`;
  const { command } = await bench.command({ routes, store: 'sqlite' });
  await bench.side('gateway', `${command.url}/small`).measure(WARM_UP_SECONDS);
  const before = await residentMegabytes(command.pid);
  const highest = await highestDuring(command.pid, readAll(`${command.url}/large`, LARGE_MB * 1024 * 1024));
  await command.stop();
  await large.stop();
  return highest - before;
}

/**
 * The most that is resident while each request brings another token, against what was before; and the same of as many
 * requests with one token, which go first: memory that grows with traffic is none of the tokens'.
 */
async function growthByTokens(bench: Workbench): Promise<readonly [number, number]> {
  const { command, file } = await bench.command({ ...sellerOfPasses(), store: 'sqlite' });
  const [first = '', ...tokens] = await writeTokens(file, TOKENS + 1);
  const url = `${command.url}/reports`;
  const growthBy = async (brought: readonly string[]): Promise<number> => {
    const before = await residentMegabytes(command.pid);
    return (await highestDuring(command.pid, bringEach(url, brought, bench.connections))) - before;
  };
  await bench.sideWith('gateway', url, { headers: { 'X402-Access-Token': first } }).measure(WARM_UP_SECONDS);
  const byTraffic = await growthBy(tokens.map(() => first));
  const byTokens = await growthBy(tokens);
  await command.stop();
  return [byTokens, byTraffic];
}

async function readAll(url: string, bytes: number): Promise<void> {
  const { statusCode, body } = await request(url);
  let read = 0;
  for await (const chunk of body) read += chunk.length;
  if (statusCode !== 200 || read !== bytes) throw new Error(`${url} answered ${statusCode} with ${read} bytes`);
}
