import { decodeFunctionResult, encodeFunctionData } from 'viem';
import { exactPermit2ProxyAbi, multicall3Abi, transferWithBytesAbi, transferWithWordsAbi } from '../../evm/abi.ts';
import type { Hex } from '../../evm/address.ts';
import { EXACT_PERMIT2_PROXY, MULTICALL3 } from '../../evm/addresses.ts';
import type { Eip2612Permit } from '../../evm/eip2612.ts';
import { UPTO_PERMIT2_PROXY } from '../../evm/upto/upto-permit.ts';
import { uptoPermit2ProxyAbi } from '../../evm/upto/upto-proxy-abi.ts';
import type { Call } from '../chain/chain-facts.ts';
import type { Eip3009Transfer, Permit2Transfer, Transfer, UptoTransfer, WalletDeployment } from '../chain/transfer.ts';

/** USDC takes 84 000 to 102 000 gas for an authorization signed by a key, depending on the chain and the balances. */
const EIP3009_KEY_GAS = 150_000n;

/** Gas of the settlement that is most common, an authorization signed by a key: its limit, not what it uses. */
export const SETTLEMENT_GAS = EIP3009_KEY_GAS;

/**
 * With a smart account as payer its `isValidSignature` runs on our gas: enough for the wallets in use (passkeys without
 * a precompile excepted), and all that a hostile one can burn.
 */
const EIP3009_ACCOUNT_GAS = 250_000n;

/**
 * 101 000 were measured through the x402 proxy, Permit2 and the test token; an upgradeable token with its own checks
 * takes some 30 000 more. 30 % on top.
 */
const PERMIT2_KEY_GAS = 170_000n;

/** The same with a smart account's `isValidSignature`. */
const PERMIT2_ACCOUNT_GAS = 270_000n;

/** What an EIP-2612 approval takes beside a transfer: some 50 000, and more with a token behind a proxy. */
const APPROVAL_GAS = 90_000n;

/** Making a wallet behind a proxy takes 150 000 to 400 000 gas. */
const DEPLOYMENT_GAS = 600_000n;

/** What Multicall3 takes for itself, and for one call of its list: 7 000 and 5 000 were measured. */
const MULTICALL_GAS = 30_000n;
const MULTICALL_ITEM_GAS = 10_000n;

/** Bytes `r`, `s` and `v` of a plain signature, in hex digits with `0x`. */
const WORDS_SIGNATURE_LENGTH = 132;

/**
 * The one call that moves a payment's money, simulated and sent alike.
 *
 * It goes to the asset of our own offer, to the x402 proxy or to Multicall3, never to an address of the payload. A
 * wallet that does not exist yet is made through Multicall3 in the same transaction: the factory then sees Multicall3
 * and not our account as its caller, and no wallet is paid for without the transfer.
 *
 * @param deployment the payer's wallet to make first; its factory must have been found in the allow-list
 */
export function transferCall(transfer: Transfer, deployment: WalletDeployment | undefined): Call {
  switch (transfer.method) {
    case 'permit2':
      return permit2Call(transfer);
    case 'upto':
      return uptoCall(transfer);
    case 'eip3009': {
      const call = eip3009Call(transfer);
      return deployment === undefined ? call : deployAndTransfer(deployment, call);
    }
  }
}

/**
 * One call that moves the money of several payments, in their order. Each may fail without the others, so only the
 * events show what the call did.
 */
export function transferBatch(transfers: readonly Eip3009Transfer[]): Call {
  const calls = transfers.map(eip3009Call);
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

function eip3009Call(transfer: Eip3009Transfer): Call {
  const { from, to, value, validAfter, validBefore, nonce } = transfer.signed;
  const authorization = [from, to, value, validAfter, validBefore, nonce] as const;
  const gas = transfer.signedByKey ? EIP3009_KEY_GAS : EIP3009_ACCOUNT_GAS;
  const { signature } = transfer;
  if (signature.length !== WORDS_SIGNATURE_LENGTH) {
    const data = encodeFunctionData({ abi: transferWithBytesAbi, args: [...authorization, signature] });
    return { to: transfer.asset, data, gas };
  }
  const r: Hex = `0x${signature.slice(2, 66)}`;
  const s: Hex = `0x${signature.slice(66, 130)}`;
  const v = Number.parseInt(signature.slice(130), 16);
  const data = encodeFunctionData({ abi: transferWithWordsAbi, args: [...authorization, v, r, s] });
  return { to: transfer.asset, data, gas };
}

function permit2Call(transfer: Permit2Transfer): Call {
  const { permitted, nonce, deadline, from, witness } = transfer.signed;
  const signed = [{ permitted, nonce, deadline }, from, witness, transfer.signature] as const;
  const approval = approvalOf(transfer);
  const data =
    approval === undefined
      ? encodeFunctionData({ abi: exactPermit2ProxyAbi, functionName: 'settle', args: signed })
      : encodeFunctionData({
          abi: exactPermit2ProxyAbi,
          functionName: 'settleWithPermit',
          args: [approval, ...signed],
        });
  return { to: EXACT_PERMIT2_PROXY, data, gas: permit2Gas(transfer) };
}

/** Only the account that the payer named can send this call, so it never goes through Multicall3. */
function uptoCall(transfer: UptoTransfer): Call {
  const { permitted, nonce, deadline, from, witness } = transfer.signed;
  const signed = [{ permitted, nonce, deadline }, transfer.amount, from, witness, transfer.signature] as const;
  const approval = approvalOf(transfer);
  const data =
    approval === undefined
      ? encodeFunctionData({ abi: uptoPermit2ProxyAbi, functionName: 'settle', args: signed })
      : encodeFunctionData({
          abi: uptoPermit2ProxyAbi,
          functionName: 'settleWithPermit',
          args: [approval, ...signed],
        });
  return { to: UPTO_PERMIT2_PROXY, data, gas: permit2Gas(transfer) };
}

function permit2Gas(transfer: Permit2Transfer | UptoTransfer): bigint {
  const gas = transfer.signedByKey ? PERMIT2_KEY_GAS : PERMIT2_ACCOUNT_GAS;
  return approvalOf(transfer) === undefined ? gas : gas + APPROVAL_GAS;
}

/**
 * The approval that goes on chain before the transfer. The proxy continues when the token refuses it: somebody else may
 * have sent the approval before, and then the allowance exists.
 */
function approvalOf({ approval }: Permit2Transfer | UptoTransfer): Eip2612Permit | undefined {
  return approval === 'malformed' ? undefined : approval;
}

function deployAndTransfer(deployment: WalletDeployment, transfer: Call): Call {
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
