import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bringEach, sellerOfPasses, writeTokens } from '../access-tokens.ts';
import type { Dimension } from './dimension.ts';

/** More and more access tokens in use, each of which was verified before. */
export const tokens: Dimension = {
  title: 'access tokens in use',
  load: 'a call with one token after another',
  sizes: [1, 1_000, 10_000, 100_000],
  async open(bench, size) {
    const { command, file } = await bench.command({ ...sellerOfPasses(), store: 'sqlite' });
    const url = `${command.url}/reports`;
    const list = await writeTokens(file, size);
    const lines = join(dirname(file), 'tokens');
    await writeFile(lines, list.join('\n'));
    await bringEach(url, list, bench.connections);
    const cycle = { header: 'X402-Access-Token', file: lines };
    const { connections } = bench;
    return {
      pid: command.pid,
      side: {
        name: `${size} tokens`,
        probe: async () => undefined,
        measure: (seconds) =>
          bench.client.measure({
            kind: 'load',
            url,
            connections,
            seconds,
            status: 200,
            headers: {},
            payments: 0,
            cycle,
          }),
      },
    };
  },
};
