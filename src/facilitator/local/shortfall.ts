import { formatUnits } from '../../domain/amount.ts';
import type { Offer } from '../../domain/offer.ts';
import type { ChainReads } from '../chain/chain-reads.ts';
import type { Transfer } from '../transfer-method/transfer.ts';

/**
 * States what the account has and what is needed, where a payment is refused because money or an approval is missing.
 * All of it is public on the chain. `undefined` for any other reason, and where the chain does not tell.
 */
export async function describeShortfall(
  reason: string,
  transfer: Transfer,
  { asset, network, v1Network }: Offer,
  reads: ChainReads,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { balance, allowance } = transfer.reasons;
  const isPoor = reason === balance;
  if (!isPoor && reason !== allowance) return undefined;
  const read = isPoor ? reads.balance : reads.permit2Allowance;
  const units = await read.call(reads, transfer.asset, transfer.payer, signal).catch(() => undefined);
  // Money may have come since the refusal: then there is no shortfall to describe.
  if (units === undefined || units >= transfer.amount) return undefined;
  const money = (amount: bigint): string => `${formatUnits(amount, asset.decimals)} ${asset.symbol}`;
  const what = isPoor ? `The account holds ${money(units)}` : `Permit2 may take ${money(units)} of the account`;
  return `${what} on ${v1Network ?? network}, and ${money(transfer.amount)} is needed.`;
}
