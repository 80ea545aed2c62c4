import { decodeFunctionData, encodeEventTopics } from 'viem';
import { authorizationUsedEvent, exactPermit2ProxyAbi, transferEvent, uptoPermit2ProxyAbi } from '../../evm/abi.ts';
import { type Address, type Hex, parseAddress } from '../../evm/address.ts';
import { EXACT_PERMIT2_PROXY, UPTO_PERMIT2_PROXY } from '../../evm/addresses.ts';
import type { BlockRange, Receipt } from './chain-facts.ts';
import type { ChainNode } from './chain-node.ts';
import type { EventLog } from './rpc-answer.ts';
import type { Eip3009Transfer, Permit2Transfer, Transfer, UptoTransfer } from './transfer.ts';

/** Most transactions that one search reads. Only a payer with many equal payments at once has more than one. */
const MAX_CANDIDATES = 100;

/** What a range of blocks shows of a transfer. */
export type Findings =
  | { readonly kind: 'proof'; readonly receipt: Receipt }
  /** The transfer is not there. `elsewhere`: another transaction there took the nonce. */
  | { readonly kind: 'none'; readonly elsewhere: boolean }
  /** The node cannot tell, or there was too much to look at. */
  | { readonly kind: 'unclear' };

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
  node: ChainNode,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!provesTransfer(transfer, receipt)) return false;
  return transfer.method === 'eip3009' || (await usesPermit(transfer, receipt.transaction, node, signal));
}

/**
 * Looks for a transaction of any sender that made this very transfer in a range of blocks.
 *
 * @throws GatewayError when the node cannot be asked
 */
export async function findProof(
  transfer: Transfer,
  node: ChainNode,
  range: BlockRange,
  signal?: AbortSignal,
): Promise<Findings> {
  const { asset, payer, payTo } = transfer;
  const candidates =
    transfer.method === 'eip3009'
      ? await node.nonceEnds(asset, payer, transfer.signed.nonce, range, signal)
      : await node.transfers(asset, payer, payTo, range, signal);
  if (candidates === undefined) return { kind: 'unclear' };
  let missing = candidates.length > MAX_CANDIDATES;
  for (const candidate of candidates.slice(-MAX_CANDIDATES).reverse()) {
    const receipt = await node.receipt(candidate, signal);
    if (receipt === undefined) missing = true;
    else if (await provesForeignTransfer(transfer, receipt, node, signal)) return { kind: 'proof', receipt };
  }
  // Permit2's events name no nonce, so other transfers prove nothing about this one.
  const elsewhere = transfer.method === 'eip3009' && candidates.length > 0;
  return missing ? { kind: 'unclear' } : { kind: 'none', elsewhere };
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
async function usesPermit(
  { method, payer, signed }: Permit2Transfer | UptoTransfer,
  transaction: Hex,
  node: ChainNode,
  signal?: AbortSignal,
): Promise<boolean> {
  const found = await node.transaction(transaction, signal);
  if (found === undefined || parseAddress(found.to) !== proxyOf(method)) return false;
  try {
    const [permit, owner] = method === 'upto' ? uptoPermit(found.input) : exactPermit(found.input);
    return parseAddress(owner) === payer && permit.nonce === signed.nonce;
  } catch {
    return false; // another function of the proxy
  }
}

/** The contract that spends a permit. */
function proxyOf(method: 'permit2' | 'upto'): Address {
  return method === 'upto' ? UPTO_PERMIT2_PROXY : EXACT_PERMIT2_PROXY;
}

type UsedPermit = readonly [permit: { readonly nonce: bigint }, owner: string];

function exactPermit(input: Hex): UsedPermit {
  const { functionName, args } = decodeFunctionData({ abi: exactPermit2ProxyAbi, data: input });
  return functionName === 'settle' ? [args[0], args[1]] : [args[1], args[2]];
}

function uptoPermit(input: Hex): UsedPermit {
  const { functionName, args } = decodeFunctionData({ abi: uptoPermit2ProxyAbi, data: input });
  return functionName === 'settle' ? [args[0], args[2]] : [args[1], args[3]];
}
