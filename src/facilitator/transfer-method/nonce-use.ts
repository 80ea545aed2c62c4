import type { FateTools } from '../chain/chain-view.ts';
import type { ForeignTransfer } from '../facilitator.ts';
import type { Transfer } from './transfer.ts';

/**
 * Whether a payment that a facilitator refused is used. All questions are about one block: what is missing in a block in
 * which the nonce is unused was not taken by this payment.
 *
 * @param approved whether Permit2 moves the money, so that an approval can be missing, too
 * @throws GatewayError when the node cannot be asked
 */
export async function findNonceUse(
  { asset, payer, amount, use }: Transfer,
  { approved }: { readonly approved: boolean },
  { node, reads }: FateTools,
  signal: AbortSignal,
): Promise<ForeignTransfer> {
  const { number } = await node.block('latest', signal);
  const [gone, balance, allowance] = await Promise.all([
    use.nonceIsGone(reads, signal, number),
    reads.balance(asset, payer, signal, number),
    approved ? reads.permit2Allowance(asset, payer, signal, number) : amount,
  ]);
  if (gone === true) return { kind: 'used' };
  if (gone === undefined || balance === undefined || allowance === undefined) return { kind: 'unclear' };
  return { kind: 'unused', lacks: balance < amount || allowance < amount };
}
