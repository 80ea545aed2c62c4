import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take half a minute or more, the longest first: begun last, each would keep one worker while the other idles. */
const SLOW = [
  'integration/fault-matrix',
  'integration/ledger-postgres',
  'integration/paywall-failures',
  'integration/admin-browser',
  'integration/crash',
  'integration/metered-crash',
  'integration/paywall-browser',
  'integration/balances-fleet',
  'integration/access-fleet',
  'integration/mcp-crash',
  'integration/ledger-pgbouncer',
  'integration/free-quota-fleet',
  'integration/workers',
  'integration/damaged-rows',
  'integration/paywall-crash',
  'conformance/mppx-cli',
  'security/unread-uploads',
  'integration/reload-under-load',
  'integration/partition',
  'security/clock-jumps',
  'integration/siege',
  'integration/fuzz',
];

/** Runs the slow files first, and then the others as Vitest orders them. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = SLOW.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place === -1 ? SLOW.length : place;
}
