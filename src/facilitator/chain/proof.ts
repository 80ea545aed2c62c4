import type { Transfer, Verdict } from '../transfer-method/transfer.ts';
import type { Receipt } from './chain-facts.ts';
import type { ChainView } from './chain-view.ts';

/**
 * Whether a mined transaction made this very transfer: exactly the price, from the payer to `payTo`, in the asset, on
 * this authorization. The receipt's status does not prove that: with a token that has no code, takes fees or does not
 * revert, a transaction succeeds and moves something else.
 *
 * Where events do not name the nonce, as with Permit2, the caller must know that the transaction used this permit.
 */
export function provesTransfer(transfer: Transfer, receipt: Receipt): boolean {
  return receipt.succeeded && transfer.use.isIn(receipt.logs.filter((log) => log.address === transfer.asset));
}

/**
 * Whether a mined transaction of somebody else made this very transfer. Anyone may send an authorization, and the
 * transfer pays for the buyer all the same.
 *
 * @throws GatewayError when the node cannot tell
 */
export async function provesForeignTransfer(
  transfer: Transfer,
  receipt: Receipt,
  view: ChainView,
  signal?: AbortSignal,
): Promise<Verdict> {
  if (!provesTransfer(transfer, receipt)) return 'absent';
  return await transfer.use.judge(receipt, view, signal);
}
