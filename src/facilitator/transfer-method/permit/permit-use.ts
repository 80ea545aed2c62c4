import type { Permit2Payload } from '../../../evm/permit2.ts';
import type { FateTools } from '../../chain/chain-view.ts';
import type { ForeignTransfer } from '../../facilitator.ts';
import type { PermitTransfer } from './permit-transfer.ts';

/**
 * Whether a permit that a facilitator refused is used. All questions are about one block: what is missing in a block in
 * which the nonce is unused was not taken by this permit. An unused nonce with nothing missing is `unclear`, because the
 * facilitator has seen something that this node will see soon.
 */
export async function findPermitUse(
  { asset, payer, amount, signed }: PermitTransfer<Permit2Payload>,
  { node, reads }: FateTools,
  signal: AbortSignal,
): Promise<ForeignTransfer> {
  const { number } = await node.block('latest', signal);
  const [gone, balance, allowance] = await Promise.all([
    reads.permitIsGone(signed.from, signed.nonce, signal, number),
    reads.balance(asset, payer, signal, number),
    reads.permit2Allowance(asset, payer, signal, number),
  ]);
  if (gone === true) return { kind: 'used' };
  if (gone === undefined || balance === undefined || allowance === undefined) return { kind: 'unclear' };
  return { kind: balance < amount || allowance < amount ? 'none' : 'unclear' };
}
