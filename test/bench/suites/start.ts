import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { median } from '../spread.ts';
import type { CostSuite } from '../suite.ts';

const ROUTES = `  - { path: /healthz, price: free }
  - { path: /v1/weather/:city, price: $0.001 }
  - { path: /v1/reports/*, price: $0.05, access: { for: 1h, requests: 1000 } }
`;
const KEYS = 'publicUrl: https://api.example.com\n';
/** Starts of each in a round. */
const STARTS = 3;

/**
 * How long the command takes from its start until `/readyz` says 200: with a ledger that is there already, a facilitator
 * that answers at once, and files that the system has read before. In turn with what Node takes to start and end.
 */
export const start: CostSuite = {
  kind: 'costs',
  title: 'from the start of the command until it is ready',
  async open(bench) {
    const { file, command } = await bench.command({ routes: ROUTES, keys: KEYS, store: 'sqlite' });
    await command.stop();
    return {
      costs: [
        { name: 'turnpike start', unit: 'ms', atMost: 600 },
        { name: 'node -e 0', unit: 'ms' },
      ],
      async measure() {
        const turnpike: number[] = [];
        const node: number[] = [];
        for (let turn = 0; turn < STARTS; turn += 1) {
          const again = await bench.commandOn(file);
          await again.stop();
          turnpike.push(again.readyAfterMs);
          node.push(await timeOfNode());
        }
        return [median(turnpike), median(node)];
      },
    };
  },
};

/** Milliseconds of a process that does nothing. */
async function timeOfNode(): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  return performance.now() - startedAt;
}
