import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute or more, the longest first: begun last, each would keep one worker while the other idles. */
const SLOW = [
  'integration/fault-matrix',
  'integration/metered-crash',
  'integration/paywall-failures',
  'integration/ledger-postgres',
  'integration/crash',
  'integration/admin-browser',
  'integration/paywall-browser',
  'integration/siege',
  'integration/fuzz',
  'integration/balances-fleet',
  'integration/access-fleet',
  'integration/free-quota-fleet',
  'integration/workers',
  'integration/partition',
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
