import type { AssetTable } from '../config/asset-table.ts';
import { isLoopback } from '../domain/loopback.ts';
import type { Network } from '../domain/network.ts';
import type { NetworkFamilies } from '../domain/network-family.ts';
import type { Plan } from '../domain/plan.ts';

/**
 * The URL of a transaction in a block explorer. `undefined` where there is no explorer, on a chain that only this
 * machine knows, or for a text that is no transaction.
 */
export function transactionUrl(
  { facilitators }: Pick<Plan, 'facilitators'>,
  { table, families }: { readonly table: AssetTable; readonly families: NetworkFamilies },
  { network, transaction }: { readonly network: Network; readonly transaction: string },
): string | undefined {
  const explorer = table.find(network)?.explorer;
  if (explorer === undefined || !families.of(network).isTransaction(transaction)) return undefined;
  const isOwnChain = facilitators.some((spec) => spec.kind === 'local' && isOfThisMachine(spec.rpc.get(network)));
  return isOwnChain ? undefined : `${explorer}/tx/${encodeURIComponent(transaction)}`;
}

function isOfThisMachine(rpc: string | undefined): boolean {
  return rpc !== undefined && URL.canParse(rpc) && isLoopback(new URL(rpc).hostname);
}
