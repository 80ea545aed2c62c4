import { encodeEventTopics } from 'viem';
import { authorizationUsedEvent } from '../../evm/abi.ts';
import type { Receipt } from './chain-facts.ts';
import { type ChainView, usesPermit, type Verdict } from './permit-proof.ts';
import type { EventLog } from './rpc-answer.ts';
import type { Eip3009Transfer, Transfer } from './transfer.ts';
import { isTransfer, word } from './transfer-event.ts';

/**
 * Whether a mined transaction made this very transfer: exactly the price, from the payer to `payTo`, in the asset, on
 * this authorization. The receipt's status does not prove that: with a token that has no code, takes fees or does not
 * revert, a transaction succeeds and moves something else.
 *
 * For Permit2, whose events do not name the nonce, the caller must know that the transaction used this permit.
 */
export function provesTransfer(transfer: Transfer, receipt: Receipt): boolean {
  if (!receipt.succeeded) return false;
  const logs = receipt.logs.filter((log) => log.address === transfer.asset);
  return transfer.method === 'eip3009'
    ? provesAuthorization(transfer, logs)
    : logs.some((log) => isTransfer(log, transfer));
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
  return transfer.method === 'eip3009' ? 'proved' : await usesPermit(transfer, receipt, view, signal);
}

/**
 * Whether a mined transaction used this authorization, and the token's very next event is exactly the transfer. Then
 * that transfer cannot prove another payment, however that one was made.
 */
export function provesUse(transfer: Eip3009Transfer, receipt: Receipt): boolean {
  if (!receipt.succeeded) return false;
  const logs = receipt.logs.filter((log) => log.address === transfer.asset);
  return movesNext(transfer, logs, useIn(transfer, logs));
}

/**
 * The authorization's use, and its transfer. Where one transaction uses several authorizations of the payer, the
 * transfer must be the token's very next event: else one transfer could prove two payments.
 */
function provesAuthorization(transfer: Eip3009Transfer, logs: readonly EventLog[]): boolean {
  const used = useIn(transfer, logs);
  if (used === -1) return false;
  if (movesNext(transfer, logs, used)) return true;
  return logs.filter((log) => isUse(log, transfer)).length === 1 && logs.some((log) => isTransfer(log, transfer));
}

/** Where among the token's events this authorization is used; -1 where it is not. */
function useIn(transfer: Eip3009Transfer, logs: readonly EventLog[]): number {
  return logs.findIndex((log) => isUse(log, transfer) && log.topics[2] === transfer.signed.nonce);
}

function movesNext(transfer: Eip3009Transfer, logs: readonly EventLog[], used: number): boolean {
  const next = used === -1 ? undefined : logs[used + 1];
  return next !== undefined && isTransfer(next, transfer);
}

const [USED_TOPIC] = encodeEventTopics({ abi: [authorizationUsedEvent] });

function isUse(log: EventLog, transfer: Transfer): boolean {
  return log.topics.length === 3 && log.topics[0] === USED_TOPIC && log.topics[1] === word(transfer.payer);
}
