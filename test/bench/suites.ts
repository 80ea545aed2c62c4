import type { Suite } from './suite.ts';
import { free } from './suites/free.ts';
import { latency } from './suites/latency.ts';
import { memory } from './suites/memory.ts';
import { paid } from './suites/paid.ts';
import { pass } from './suites/pass.ts';
import { paymentRequired } from './suites/payment-required.ts';
import { routes } from './suites/routes.ts';
import { gas, settle } from './suites/settle.ts';
import { signature } from './suites/signature.ts';
import { start } from './suites/start.ts';
import { workers } from './suites/workers.ts';

/** Every suite, in the order in which they run. */
export const SUITES = {
  free,
  unpaid: paymentRequired,
  paid,
  pass,
  routes,
  signature,
  settle,
  gas,
  workers,
  latency,
  memory,
  start,
} as const satisfies Record<string, Suite>;

/** The name of a suite, as `--only` takes it. */
export type SuiteName = keyof typeof SUITES;
