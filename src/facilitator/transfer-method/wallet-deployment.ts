import { encodeFunctionData } from 'viem';
import { multicall3Abi } from '../../evm/abi.ts';
import type { Address, Hex } from '../../evm/address.ts';
import { MULTICALL3 } from '../../evm/addresses.ts';
import type { Call } from '../chain/chain-facts.ts';
import type { ChainNode } from '../chain/chain-node.ts';

/** Making a wallet behind a proxy takes 150 000 to 400 000 gas. */
const DEPLOYMENT_GAS = 600_000n;

/** The call that creates a payer's wallet, from an ERC-6492 signature. The client states it; nothing proves it. */
export interface WalletDeployment {
  readonly factory: Address;
  readonly data: Hex;
}

/** The wallet to create before a transfer: that of an ERC-6492 signature whose account has no code yet. */
export async function neededDeployment(
  { payer, deployment }: { readonly payer: Address; readonly deployment: WalletDeployment | undefined },
  node: ChainNode,
  signal?: AbortSignal,
): Promise<WalletDeployment | undefined> {
  if (deployment === undefined) return undefined;
  return (await node.hasCode(payer, signal)) ? undefined : deployment;
}

/**
 * The call of a transfer, behind the call that makes the payer's wallet where one is needed.
 *
 * A wallet that does not exist yet is made through Multicall3 in the same transaction: the factory then sees Multicall3
 * and not our account as its caller, and no wallet is paid for without the transfer.
 *
 * @param deployment the payer's wallet to make first; its factory must have been found in the allow-list
 */
export function deployFirst(deployment: WalletDeployment | undefined, transfer: Call): Call {
  if (deployment === undefined) return transfer;
  const data = encodeFunctionData({
    abi: multicall3Abi,
    args: [
      [
        // May fail: somebody else may have made the wallet since. If the wallet is missing, the transfer fails.
        { target: deployment.factory, allowFailure: true, callData: deployment.data },
        { target: transfer.to, allowFailure: false, callData: transfer.data },
      ],
    ],
  });
  return { to: MULTICALL3, data, gas: DEPLOYMENT_GAS + transfer.gas };
}
