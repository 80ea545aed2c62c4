import { decodeFunctionResult, encodeFunctionData } from 'viem';
import { multicall3Abi } from '../../evm/abi.ts';
import type { Hex } from '../../evm/address.ts';
import { MULTICALL3 } from '../../evm/addresses.ts';
import type { Call } from '../chain/chain-facts.ts';
import type { Transfer } from '../transfer-method/transfer.ts';

/** What Multicall3 takes for itself, and for one call of its list: 7 000 and 5 000 were measured. */
const MULTICALL_GAS = 30_000n;
const MULTICALL_ITEM_GAS = 10_000n;

/**
 * One call that moves the money of several payments, in their order. Each may fail without the others, so only the
 * events show what the call did.
 */
export function transferBatch(transfers: readonly Transfer[]): Call {
  const calls = transfers.map(({ settling }) => settling.call());
  const items = calls.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }));
  const gas = calls.reduce((sum, call) => sum + call.gas + MULTICALL_ITEM_GAS, MULTICALL_GAS);
  return { to: MULTICALL3, data: encodeFunctionData({ abi: multicall3Abi, args: [items] }), gas };
}

/** Which calls of a {@link transferBatch} worked when it was tried; empty when the answer is none of Multicall3's. */
export function decodeBatchResult(data: Hex): readonly boolean[] {
  try {
    return decodeFunctionResult({ abi: multicall3Abi, data }).map(({ success }) => success);
  } catch {
    return [];
  }
}
