import { encodeEventTopics } from 'viem';
import { authorizationUsedEvent } from '../../../evm/abi.ts';
import type { Receipt } from '../../chain/chain-facts.ts';
import type { EventLog } from '../../chain/rpc-answer.ts';
import { isTransfer, word } from '../../chain/transfer-event.ts';
import type { Eip3009Transfer } from './eip3009-transfer.ts';

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
export function provesAuthorization(transfer: Eip3009Transfer, logs: readonly EventLog[]): boolean {
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

function isUse(log: EventLog, transfer: Eip3009Transfer): boolean {
  return log.topics.length === 3 && log.topics[0] === USED_TOPIC && log.topics[1] === word(transfer.payer);
}
