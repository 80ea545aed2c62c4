import { encodeFunctionData } from 'viem';
import { transferWithBytesAbi, transferWithWordsAbi } from '../../../evm/abi.ts';
import type { Hex } from '../../../evm/address.ts';
import type { Call } from '../../chain/chain-facts.ts';
import { SETTLEMENT_GAS } from '../transfer.ts';
import type { Eip3009Transfer } from './eip3009-transfer.ts';

/** USDC takes 84 000 to 102 000 gas for an authorization signed by a key, depending on the chain and the balances. */
const EIP3009_KEY_GAS = SETTLEMENT_GAS;

/**
 * With a smart account as payer its `isValidSignature` runs on our gas: enough for the wallets in use (passkeys without
 * a precompile excepted), and all that a hostile one can burn.
 */
const EIP3009_ACCOUNT_GAS = 250_000n;

/** Bytes `r`, `s` and `v` of a plain signature, in hex digits with `0x`. */
const WORDS_SIGNATURE_LENGTH = 132;

/** The call of the token that makes the transfer, of a wallet that exists. */
export function authorizationCall(transfer: Eip3009Transfer): Call {
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
