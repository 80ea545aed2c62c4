import { networkName, readAssetTable } from '../config/asset-table.ts';
import type { Plan } from '../domain/plan.ts';
import { Paywall } from '../paywall/paywall.ts';

/** Opens the payment page for people; `undefined` where the plan turns it off. */
export function openPaywall({ paywall }: Plan, clock: () => number): Paywall | undefined {
  if (paywall === undefined) return undefined;
  const table = readAssetTable();
  return new Paywall(paywall, { networkName: (network) => networkName(table, network), clock });
}
