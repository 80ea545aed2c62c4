import { decodeFunctionData, encodeEventTopics } from 'viem';
import { authorizationUsedEvent, exactPermit2ProxyAbi, transferEvent } from '../../evm/abi.ts';
import { type Hex, parseAddress } from '../../evm/address.ts';
import { EXACT_PERMIT2_PROXY } from '../../evm/addresses.ts';
import type { ChainNode, Receipt } from './chain-node.ts';
import type { EventLog } from './rpc-answer.ts';
import type { Eip3009Transfer, Permit2Transfer, Transfer } from './transfer.ts';

/**
 * Blocks that are searched for somebody else's transaction: half an hour at two seconds each, longer than a payment is
 * under way. A transfer from before is no payment for this request: serving it would be a replay.
 */
const SEARCH_BLOCKS = 1_000n;

/** Transactions that are looked at in one search. Only a payer with many equal payments at once has more than one. */
const MAX_CANDIDATES = 100;

/**
 * Whether a mined transaction made this very transfer: exactly the price, from the payer to `payTo`, in the asset, on
 * this authorization. The receipt's status says nothing of that: tokens without code, with fees or without reverts
 * succeed and move something else.
 *
 * For Permit2, whose events do not name the nonce, the caller must know that the transaction used this permit.
 */
export function provesTransfer(transfer: Transfer, receipt: Receipt): boolean {
  if (!receipt.succeeded) return false;
  const logs = receipt.logs.filter((log) => log.address === transfer.asset);
  return transfer.method === 'permit2'
    ? logs.some((log) => isTransfer(log, transfer))
    : provesAuthorization(transfer, logs);
}

/**
 * Looks for a transaction of somebody else that made this very transfer: an authorization may be sent by anyone, and
 * who does so has paid for the buyer.
 *
 * @returns its hash, or `undefined` when there is none
 * @throws {GatewayError} when the node cannot tell
 */
export async function findForeignProof(transfer: Transfer, node: ChainNode): Promise<Hex | undefined> {
  const newest = await node.blockNumber();
  const fromBlock = newest > SEARCH_BLOCKS ? newest - SEARCH_BLOCKS : 0n;
  const { asset, payer, payTo } = transfer;
  const candidates =
    transfer.method === 'eip3009'
      ? await node.authorizationUses(asset, payer, transfer.signed.nonce, fromBlock)
      : await node.transfers(asset, payer, payTo, fromBlock);
  for (const candidate of candidates.slice(-MAX_CANDIDATES).reverse()) {
    const receipt = await node.receipt(candidate);
    if (receipt === undefined || !provesTransfer(transfer, receipt)) continue;
    if (transfer.method === 'eip3009' || (await usesPermit(transfer, candidate, node))) return candidate;
  }
  return undefined;
}

/**
 * The authorization's use, and its transfer. Where one transaction uses several authorizations of the payer, the
 * transfer must be the token's very next event: else one transfer could prove two payments.
 */
function provesAuthorization(transfer: Eip3009Transfer, logs: readonly EventLog[]): boolean {
  const used = logs.findIndex((log) => isUse(log, transfer) && log.topics[2] === transfer.signed.nonce);
  if (used === -1) return false;
  const next = logs[used + 1];
  if (next !== undefined && isTransfer(next, transfer)) return true;
  return logs.filter((log) => isUse(log, transfer)).length === 1 && logs.some((log) => isTransfer(log, transfer));
}

const [TRANSFER_TOPIC] = encodeEventTopics({ abi: [transferEvent] });
const [USED_TOPIC] = encodeEventTopics({ abi: [authorizationUsedEvent] });

function isUse(log: EventLog, transfer: Transfer): boolean {
  return log.topics.length === 3 && log.topics[0] === USED_TOPIC && log.topics[1] === word(transfer.payer);
}

function isTransfer(log: EventLog, { payer, payTo, amount }: Transfer): boolean {
  const [event, from, to] = log.topics;
  if (log.topics.length !== 3 || event !== TRANSFER_TOPIC || from !== word(payer) || to !== word(payTo)) return false;
  return log.data.length === 66 && BigInt(log.data) === amount;
}

/** An address as an indexed argument of an event. */
function word(address: Hex): Hex {
  return `0x${address.slice(2).padStart(64, '0')}`;
}

/** Whether a transaction is a plain call of the proxy with this permit. */
async function usesPermit({ payer, signed }: Permit2Transfer, transaction: Hex, node: ChainNode): Promise<boolean> {
  const found = await node.transaction(transaction);
  if (found === undefined || parseAddress(found.to) !== EXACT_PERMIT2_PROXY) return false;
  try {
    const { functionName, args } = decodeFunctionData({ abi: exactPermit2ProxyAbi, data: found.input });
    const [permit, owner] = functionName === 'settle' ? args : [args[1], args[2]];
    return parseAddress(owner) === payer && permit.nonce === signed.nonce;
  } catch {
    return false; // another function of the proxy
  }
}
