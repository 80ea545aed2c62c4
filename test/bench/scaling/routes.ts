import { table } from '../suites/routes.ts';
import type { Dimension } from './dimension.ts';

/** A larger and larger price table. */
export const routes: Dimension = {
  title: 'routes',
  load: 'a free route',
  sizes: [10, 100, 1_000, 10_000, 100_000],
  async open(bench, size) {
    const { command } = await bench.command({ routes: table(size), store: 'sqlite' });
    const facts = [{ name: 'start', unit: 'ms', value: command.readyAfterMs }];
    const side = bench.side(`${size} routes`, `${command.url}/v1/product-7/oslo/today`);
    return { side, pid: command.pid, facts };
  },
};
