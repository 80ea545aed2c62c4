import type { Suite } from './suite.ts';
import { alongside } from './suites/alongside.ts';
import { free } from './suites/free.ts';
import { latency } from './suites/latency.ts';
import { memory } from './suites/memory.ts';
import { otherFree, otherPaid, otherPass, otherUnpaid } from './suites/others.ts';
import { before, paid } from './suites/paid.ts';
import { pass } from './suites/pass.ts';
import { paymentRequired } from './suites/payment-required.ts';
import { prices, unconditional, unconditionalFree } from './suites/prices.ts';
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
  before,
  pass,
  routes,
  prices,
  unconditional,
  'unconditional-free': unconditionalFree,
  signature,
  settle,
  gas,
  workers,
  latency,
  alongside,
  memory,
  start,
  'other-free': otherFree,
  'other-unpaid': otherUnpaid,
  'other-pass': otherPass,
  'other-paid': otherPaid,
} as const satisfies Record<string, Suite>;

/** The name of a suite, as `--only` takes it. */
export type SuiteName = keyof typeof SUITES;

/** The suites that hold this build against an earlier one, or against a gateway of another make. */
export const OTHERS: readonly SuiteName[] = ['other-free', 'other-unpaid', 'other-pass', 'other-paid'];
/** The suites that need nothing but this build. */
export const OWN: readonly SuiteName[] = suiteNames().filter((name) => !OTHERS.includes(name));

function suiteNames(): SuiteName[] {
  // The keys of an object literal without other sources.
  return Object.keys(SUITES).filter((name): name is SuiteName => name in SUITES);
}
