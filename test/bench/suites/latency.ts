import { requireSame } from '../answer.ts';
import { quantile } from '../spread.ts';
import type { CostSuite, Meter, Side } from '../suite.ts';

const COSTS: Meter['costs'] = [
  { name: 'p50 added', unit: 'ms', atMost: 0.3 },
  { name: 'p99 added', unit: 'ms', atMost: 2 },
  { name: 'p50 directly', unit: 'ms' },
  { name: 'p50 through the gateway', unit: 'ms' },
  { name: 'p99 directly', unit: 'ms' },
  { name: 'p99 through the gateway', unit: 'ms' },
  { name: 'p50 through a bare undici dispatcher', unit: 'ms' },
  { name: 'p99 through a bare undici dispatcher', unit: 'ms' },
  { name: 'the load', unit: 'requests/s' },
];

/** The load, as a part of the full one. */
const LOAD = 0.5;

/** How long both sides are asked before the first round, in seconds. */
const WARM_UP_SECONDS = 2;

/**
 * What the gateway adds to the time of a request when it has half of the work that it could do. All sides are asked at
 * the same steady rate, in turns of a second. The bare engine shows how much of it is the machine's: on two cores the
 * client, the gateway and the upstream wait for each other.
 */
export const latency: CostSuite = {
  kind: 'costs',
  title: 'latency added to a free route, at half of the full load',
  async open(bench) {
    const { upstreamUrl } = bench.world;
    const gateway = await bench.gateway({ routes: '  - { path: /v1/weather/:city, price: free }\n' });
    const through = bench.side('gateway', `${gateway}/v1/weather/oslo`);
    const bare = await bench.system('undici-proxy', [upstreamUrl]);
    const pacer = await bench.system('pacer');
    const urls = [upstreamUrl, gateway, bare.url].map((origin) => `${origin}/v1/weather/oslo`);
    await requireSameAnswer(bench.side('direct connection', urls[0] ?? ''), through);
    const { connections } = bench;
    const ask = (url: string, perSecond: number, seconds: number) =>
      pacer.pace({ kind: 'pace', url, connections, seconds, perSecond });
    await through.measure(WARM_UP_SECONDS);
    for (const url of urls) await ask(url, 1000, WARM_UP_SECONDS);
    return {
      costs: COSTS,
      async measure(seconds) {
        // In every round anew: on a machine that has slowed down half of the load is less.
        const perSecond = Math.round((await through.measure(1)) * LOAD);
        const latencies: number[][] = urls.map(() => []);
        for (let turn = 0; turn < seconds; turn += 1) {
          for (const [side, url] of urls.entries()) latencies[side]?.push(...(await ask(url, perSecond, 1)));
        }
        return [...figuresOf(latencies), perSecond];
      },
    };
  },
};

/** @param latencies of direct requests, of those through the gateway, and through the bare engine */
function figuresOf(latencies: readonly (readonly number[])[]): readonly number[] {
  const quantiles = (level: number) => latencies.map((side) => quantile(side, level));
  const [p50 = Number.NaN, p50Through = Number.NaN, p50Bare = Number.NaN] = quantiles(0.5);
  const [p99 = Number.NaN, p99Through = Number.NaN, p99Bare = Number.NaN] = quantiles(0.99);
  return [p50Through - p50, p99Through - p99, p50, p50Through, p99, p99Through, p50Bare, p99Bare];
}

async function requireSameAnswer(one: Side, other: Side): Promise<void> {
  const [answer, otherAnswer] = [await one.probe(), await other.probe()];
  if (answer === undefined || otherAnswer === undefined) throw new Error('a side without an answer');
  requireSame({ name: one.name, answer }, { name: other.name, answer: otherAnswer });
}
