import { encodeEventTopics } from 'viem';
import { settledEvents } from '../../../evm/abi.ts';
import { type Address, type Hex, parseAddress } from '../../../evm/address.ts';
import type { Permit2Payload } from '../../../evm/permit2.ts';
import type { Receipt } from '../../chain/chain-facts.ts';
import type { ChainView } from '../../chain/chain-view.ts';
import { isTransfer, isTransferEvent, word } from '../../chain/transfer-event.ts';
import type { Verdict } from '../transfer.ts';
import type { TransferFacts } from '../transfer-facts.ts';
import type { PermitCalldata, PermitScheme } from './permit-scheme.ts';
import type { PermitTransfer } from './permit-transfer.ts';

/** Most permits of one transaction whose state is read: only a crafted transaction holds more of one payer. */
const MAX_PERMITS = 20;

/**
 * Whether a mined transaction with exactly the payment's transfer settled its permit. No event names a permit, so that
 * one fact alone proves nothing:
 *
 * - A plain call of the proxy settled the permit in its arguments, and no other one.
 * - Else a contract called the proxy: Multicall3, a smart account, the entry point of a bundler. Then all of these must
 *   hold: the calldata has the permit; its nonce went in this block, as far as the node still knows; and the proxy
 *   reports as many settlements by exactly this transfer as the calldata has permits that went in this block. Calldata
 *   that is carried along and does nothing proves nothing, and no transfer proves two payments.
 *
 * A contract can keep its calls elsewhere than in the calldata. So a transaction without the permit is `absent` only
 * where the proxy settled nothing, or where the nonce did not go in this block: `absent` may let a payment count as
 * failed.
 *
 * @throws GatewayError when the node cannot be asked
 */
export async function usesPermit<P extends Permit2Payload>(
  transfer: PermitTransfer<P>,
  { form: { spender: proxy }, calldata }: Pick<PermitScheme<P>, 'form' | 'calldata'>,
  receipt: Receipt,
  view: ChainView,
  signal?: AbortSignal,
): Promise<Verdict> {
  const found = await view.node.transaction(receipt.transaction, signal);
  if (found === undefined) return 'unclear';
  if (parseAddress(found.to) === proxy) return callsWith(transfer, calldata, found.input) ? 'proved' : 'absent';
  if (!receipt.logs.some((log) => isSettlement(log, proxy))) return 'absent';
  const { nonce } = transfer.signed;
  const ours = await wentIn(transfer, nonce, receipt.block, view, signal);
  if (ours === false) return 'absent';
  const permits = permitsIn(transfer, calldata, found.input);
  if (ours === undefined || !permits.delete(nonce) || permits.size >= MAX_PERMITS) return 'unclear';
  const went = await Promise.all([...permits].map((other) => wentIn(transfer, other, receipt.block, view, signal)));
  const claims = 1 + went.filter((it) => it !== false).length;
  return claims <= settlementsIn(transfer, receipt, proxy) ? 'proved' : 'unclear';
}

const SETTLED_TOPICS: ReadonlySet<Hex | undefined> = new Set(
  settledEvents.map((event) => encodeEventTopics({ abi: [event] })[0]),
);

function isSettlement({ address, topics }: Receipt['logs'][number], proxy: Address): boolean {
  return address === proxy && SETTLED_TOPICS.has(topics[0]);
}

/** How often the proxy reports a settlement whose transfer, the last one before the report, is exactly this one. */
function settlementsIn(transfer: TransferFacts, { logs }: Receipt, proxy: Address): number {
  let count = 0;
  let last: Receipt['logs'][number] | undefined;
  for (const log of logs) {
    if (isTransferEvent(log)) last = log;
    if (!isSettlement(log, proxy)) continue;
    if (last?.address === transfer.asset && isTransfer(last, transfer)) count += 1;
    last = undefined;
  }
  return count;
}

/**
 * Whether a nonce of the payer can have gone in a block. `false` is certain. `true` means that it is gone, and was there
 * before the block where the node still knows; nodes without an archive keep some minutes of states.
 */
async function wentIn(
  { payer }: TransferFacts,
  nonce: bigint,
  block: bigint,
  { reads }: ChainView,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  const goneAt = (at?: bigint): Promise<boolean | undefined> =>
    reads.permitIsGone(payer, nonce, signal, at).catch(() => undefined);
  const [before, after] = await Promise.all([block === 0n ? false : goneAt(block - 1n), goneAt(block)]);
  if (before === true || after === false) return false;
  return after ?? (await goneAt());
}

/**
 * Nonces of the permits in calldata that could make this very transfer, at whatever depth of calls: the words that the
 * proxy takes, from the token to the witness.
 */
function permitsIn({ asset, amount, payer, payTo }: TransferFacts, calldata: PermitCalldata, input: Hex): Set<bigint> {
  const [token, moved, owner, to] = [digits(asset), digits(amount), digits(payer), digits(payTo)];
  const words = calldata.words({ token, moved, owner, to, any: '[0-9a-f]{64}' });
  const found = [...input.slice(2).matchAll(new RegExp(words, 'g'))];
  return new Set(found.map(([, nonce = '']) => BigInt(`0x${nonce}`)));
}

function digits(value: Hex | bigint): string {
  return word(value).slice(2);
}

/** Whether a call of the proxy has this permit. */
function callsWith({ payer, signed }: PermitTransfer<Permit2Payload>, calldata: PermitCalldata, input: Hex): boolean {
  try {
    const [permit, owner] = calldata.decode(input);
    return parseAddress(owner) === payer && permit.nonce === signed.nonce;
  } catch {
    return false; // another function of the proxy
  }
}
