import type { Receipt } from '../../chain/chain-facts.ts';
import type { FateTools } from '../../chain/chain-view.ts';
import { findFate } from '../../chain/nonce-fate.ts';
import type { ForeignTransfer } from '../../facilitator.ts';
import { foreignAgeLimit } from '../../foreign-age.ts';
import { findNonceUse } from '../nonce-use.ts';
import type { Transfer } from '../transfer.ts';
import { provesUse } from './authorization-proof.ts';
import type { Eip3009Transfer } from './eip3009-transfer.ts';

/**
 * Looks for a transfer that somebody else made with the buyer's authorization: mined, confirmed, exactly the price from
 * the payer to `payTo`, directly on the use of this authorization, in a block that is younger than the offer holds.
 *
 * Finds only authorizations that are signed by the payer's own key. One that was used for anything else or cancelled,
 * and one that made an older transfer, is `used`. Of others it is asked only whether they are used.
 *
 * @param maxTimeoutSeconds how long the offer holds
 * @throws GatewayError when the node cannot be asked
 */
export async function findForeignUse(
  { transfer, authorization }: { readonly transfer: Transfer; readonly authorization: Eip3009Transfer },
  maxTimeoutSeconds: number,
  tools: FateTools,
  signal: AbortSignal,
): Promise<ForeignTransfer> {
  const isUsed = async () => await findNonceUse(transfer, { approved: false }, tools, signal);
  if (!transfer.signedByKey) return await isUsed();
  const longest = foreignAgeLimit(maxTimeoutSeconds);
  const fate = await findFate(transfer, tools.clock() - longest * 1000, tools, signal);
  switch (fate.kind) {
    case 'paid':
      return await judge(authorization, fate.receipt, longest, tools, signal);
    case 'spent':
      return { kind: 'used' };
    case 'unused':
    case 'expired':
      return await isUsed();
    case 'unconfirmed':
    case 'unclear':
      return { kind: 'unclear' };
  }
}

async function judge(
  transfer: Eip3009Transfer,
  receipt: Receipt,
  longest: number,
  { node, clock }: FateTools,
  signal: AbortSignal,
): Promise<ForeignTransfer> {
  if (!provesUse(transfer, receipt)) return { kind: 'used' };
  const [mined, head] = await Promise.all([node.block(receipt.block, signal), node.block('latest', signal)]);
  // The later of the two clocks counts: if ours was put back, an old transfer must not look fresh.
  const age = Math.max(clock() / 1000, head.timestamp) - mined.timestamp;
  if (age >= longest) return { kind: 'used' };
  const { payer, amount } = transfer;
  const settlement = { transaction: receipt.transaction, payer, amount };
  return { kind: 'found', settlement, minedAt: mined.timestamp * 1000 };
}
