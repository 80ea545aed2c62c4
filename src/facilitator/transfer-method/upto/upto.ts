import { decodeFunctionData, encodeFunctionData } from 'viem';
import { checksumAddress } from '../../../evm/checksum.ts';
import { EIP2612_GAS_SPONSORING } from '../../../evm/eip2612.ts';
import { UPTO_PERMIT } from '../../../evm/upto/upto-permit.ts';
import { uptoPermit2ProxyAbi } from '../../../evm/upto/upto-proxy-abi.ts';
import { permitMethod } from '../permit/permit-method.ts';
import type { TransferMethod } from '../transfer-method.ts';
import { SETTLEMENT_MARGIN_SECONDS } from '../verification.ts';

/**
 * Transfers of a part of what was signed for, that Permit2 makes through the `upto` proxy of x402. Only the account that
 * the payer named can send them, so they never go through Multicall3.
 */
export const upto: TransferMethod = permitMethod({
  moves: { scheme: 'upto' },
  supports: (sender) => ({
    scheme: 'upto',
    extra: { facilitatorAddress: checksumAddress(sender) ?? sender },
    extensions: [EIP2612_GAS_SPONSORING],
  }),
  form: UPTO_PERMIT,
  findTermsProblem({ scheme, isOurNetwork }) {
    if (scheme !== 'upto') return 'invalid_upto_evm_scheme';
    return isOurNetwork ? undefined : 'invalid_upto_evm_network_mismatch';
  },
  /** `amount` is the whole permit when it is verified, and what was used when it is settled. */
  findSignedProblem({ signed, payTo, asset, amount, offered: maximum }, now, sender) {
    const time = BigInt(Math.floor(now));
    if (signed.spender !== UPTO_PERMIT.spender) return 'invalid_permit2_spender';
    if (signed.witness.to !== payTo) return 'invalid_permit2_recipient_mismatch';
    if (signed.witness.facilitator !== sender) return 'upto_facilitator_mismatch';
    if (signed.deadline < time + SETTLEMENT_MARGIN_SECONDS) return 'permit2_deadline_expired';
    if (signed.witness.validAfter > time) return 'permit2_not_yet_valid';
    if (signed.permitted.amount !== maximum) return 'permit2_amount_mismatch';
    if (amount > maximum) return 'upto_amount_exceeds_permitted';
    return signed.permitted.token === asset ? undefined : 'permit2_token_mismatch';
  },
  encode({ signed: { permitted, nonce, deadline, from, witness }, amount, signature }, approval) {
    const signed = [{ permitted, nonce, deadline }, amount, from, witness, signature] as const;
    const abi = uptoPermit2ProxyAbi;
    return approval === undefined
      ? encodeFunctionData({ abi, functionName: 'settle', args: signed })
      : encodeFunctionData({ abi, functionName: 'settleWithPermit', args: [approval, ...signed] });
  },
  calldata: {
    decode(input) {
      const { functionName, args } = decodeFunctionData({ abi: uptoPermit2ProxyAbi, data: input });
      return functionName === 'settle' ? [args[0], args[2]] : [args[1], args[3]];
    },
    words: ({ token, moved, owner, to, any }) => `${token}${any}(${any})${any}${moved}${owner}${to}`,
  },
});
