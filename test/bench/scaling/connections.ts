import type { Dimension } from './dimension.ts';

/** More and more connections of clients, all of them busy. */
export const connections: Dimension = {
  title: 'connections',
  load: 'a free route, a request at a time on each connection',
  sizes: [32, 256, 1_024, 4_096],
  unbroken: true,
  async open(bench, size) {
    const { command } = await bench.command({
      routes: '  - { path: /free, price: free }\n',
      // All of them come from one address here.
      keys: 'limits: { connectionsPerAddress: 10000, upstreamCallsPerClient: 10000 }\n',
      // A call that finds no connection is refused.
      connections: 8_192,
      store: 'sqlite',
    });
    const side = bench.sideWith(`${size} connections`, `${command.url}/free`, { connections: size });
    return { side, pid: command.pid };
  },
};
