import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.ts';

const COMPILED = fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

export default defineConfig({
  resolve: { conditions: ['development'] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/conformance/v1-client/**', 'test/packaging/real-helm/**', '**/node_modules/**'],
    // For a busy machine: what hangs is found by the limit of the whole run.
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // Two cores carry a chain, a gateway and an upstream in each integration file.
    maxWorkers: 2,
    // Loading viem and what stands on it again for each file took longer than most files do.
    isolate: false,
    sequence: { sequencer: SlowFirst },
    // The command is run hundreds of times, and keeps what it compiled here instead of in the home folder.
    // No test asks a node on the internet. With its arenas given, a gateway begins only once.
    env: { NODE_COMPILE_CACHE: COMPILED, TURNPIKE_PUBLIC_NODES: 'off', MALLOC_ARENA_MAX: '1' },
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
