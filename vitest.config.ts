import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.ts';

export default defineConfig({
  resolve: { conditions: ['development'] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/conformance/v1-client/**', 'test/packaging/real-helm/**', '**/node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores carry a chain, a gateway and an upstream in each integration file.
    maxWorkers: 2,
    sequence: { sequencer: SlowFirst },
    // The command, which tests run from many folders, would keep what it compiled from each in the home folder.
    // No test asks a node on the internet.
    env: { NODE_DISABLE_COMPILE_CACHE: '1', TURNPIKE_PUBLIC_NODES: 'off' },
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
