import type { ForeignTransfer } from '../facilitator.ts';
import { foreignAgeLimit } from '../foreign-age.ts';
import type { Receipt } from './chain-facts.ts';
import { type FateTools, findFate } from './nonce-fate.ts';
import { provesUse } from './proof.ts';
import type { Eip3009Transfer, Transfer } from './transfer.ts';

/**
 * Looks for a transfer that somebody else made with the buyer's authorization: mined, confirmed, exactly the price from
 * the payer to `payTo`, directly on the use of this authorization, in a block that is younger than the offer holds.
 *
 * Finds only authorizations that the token itself takes (EIP-3009), signed by the payer's own key: Permit2's events do
 * not name the permit, so that one whose nonce is gone is `used`, whatever for. So is an EIP-3009 authorization that was
 * used for anything else or cancelled, and one that made an older transfer.
 *
 * @param maxTimeoutSeconds how long the offer holds
 * @throws GatewayError when the node cannot be asked
 */
export async function findForeignTransfer(
  transfer: Transfer,
  maxTimeoutSeconds: number,
  tools: FateTools,
  signal: AbortSignal,
): Promise<ForeignTransfer> {
  if (transfer.method !== 'eip3009' || !transfer.signedByKey) return await findUse(transfer, tools, signal);
  const longest = foreignAgeLimit(maxTimeoutSeconds);
  const fate = await findFate(transfer, tools.clock() - longest * 1000, tools, signal);
  switch (fate.kind) {
    case 'paid':
      return await judge(transfer, fate.receipt, longest, tools, signal);
    case 'spent':
      return { kind: 'used' };
    case 'unused':
    case 'expired':
      return await findUse(transfer, tools, signal);
    case 'unconfirmed':
    case 'unclear':
      return { kind: 'unclear' };
  }
}

/**
 * Whether a payment that a facilitator refused is used. All questions are about one block: what is missing in a block in
 * which the nonce is unused was not taken by this payment.
 */
async function findUse(transfer: Transfer, { node, reads }: FateTools, signal: AbortSignal): Promise<ForeignTransfer> {
  const { asset, payer, amount } = transfer;
  const { number } = await node.block('latest', signal);
  const [gone, balance, allowance] = await Promise.all([
    reads.nonceIsGone(transfer, signal, number),
    reads.balance(asset, payer, signal, number),
    transfer.method === 'eip3009' ? amount : reads.permit2Allowance(asset, payer, signal, number),
  ]);
  if (gone === true) return { kind: 'used' };
  if (gone === undefined || balance === undefined || allowance === undefined) return { kind: 'unclear' };
  return { kind: 'unused', lacks: balance < amount || allowance < amount };
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
