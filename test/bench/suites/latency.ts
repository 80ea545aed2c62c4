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
  { name: 'the load', unit: 'requests/s' },
];

/** The load, as a part of the full one. */
const LOAD = 0.5;

/** How long both sides are asked before the first round, in seconds. */
const WARM_UP_SECONDS = 2;

/**
 * What the gateway adds to the time of a request when it has half of the work that it could do. Both sides are asked at
 * the same steady rate, in turns of a second.
 */
export const latency: CostSuite = {
  kind: 'costs',
  title: 'latency added to a free route, at half of the full load',
  async open(bench) {
    const { upstreamUrl } = bench.world;
    const gateway = await bench.gateway({ routes: '  - { path: /v1/weather/:city, price: free }\n' });
    const through = bench.side('gateway', `${gateway}/v1/weather/oslo`);
    const pacer = await bench.system('pacer');
    const urls = { direct: `${upstreamUrl}/v1/weather/oslo`, through: `${gateway}/v1/weather/oslo` };
    await requireSameAnswer(bench.side('direct connection', urls.direct), through);
    const { connections } = bench;
    const ask = (url: string, perSecond: number, seconds: number) =>
      pacer.pace({ kind: 'pace', url, connections, seconds, perSecond });
    await through.measure(WARM_UP_SECONDS);
    for (const url of Object.values(urls)) await ask(url, 1000, WARM_UP_SECONDS);
    return {
      costs: COSTS,
      async measure(seconds) {
        // In every round anew: on a machine that has slowed down half of the load is less.
        const perSecond = Math.round((await through.measure(1)) * LOAD);
        const direct: number[] = [];
        const viaGateway: number[] = [];
        for (let turn = 0; turn < seconds; turn += 1) {
          direct.push(...(await ask(urls.direct, perSecond, 1)));
          viaGateway.push(...(await ask(urls.through, perSecond, 1)));
        }
        return [...figuresOf(direct, viaGateway), perSecond];
      },
    };
  },
};

function figuresOf(direct: readonly number[], through: readonly number[]): readonly number[] {
  const [p50, p99] = [quantile(direct, 0.5), quantile(direct, 0.99)];
  const [p50Through, p99Through] = [quantile(through, 0.5), quantile(through, 0.99)];
  return [p50Through - p50, p99Through - p99, p50, p50Through, p99, p99Through];
}

async function requireSameAnswer(one: Side, other: Side): Promise<void> {
  const [answer, otherAnswer] = [await one.probe(), await other.probe()];
  if (answer === undefined || otherAnswer === undefined) throw new Error('a side without an answer');
  requireSame({ name: one.name, answer }, { name: other.name, answer: otherAnswer });
}
