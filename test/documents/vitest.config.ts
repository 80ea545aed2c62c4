import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));

export default defineConfig({
  root,
  resolve: { conditions: ['development'] },
  test: {
    include: ['test/documents/fetched.check.ts'],
    testTimeout: 1_200_000,
    env: { NODE_DISABLE_COMPILE_CACHE: '1', TURNPIKE_PUBLIC_NODES: 'off' },
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
