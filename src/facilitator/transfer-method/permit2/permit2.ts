import { decodeFunctionData, encodeFunctionData } from 'viem';
import { exactPermit2ProxyAbi } from '../../../evm/abi.ts';
import { EIP2612_GAS_SPONSORING } from '../../../evm/eip2612.ts';
import { EXACT_PERMIT } from '../../../evm/permit2.ts';
import { permitMethod } from '../permit/permit-method.ts';
import type { TransferMethod } from '../transfer-method.ts';
import { SETTLEMENT_MARGIN_SECONDS } from '../verification.ts';

/** Transfers of exactly what was signed for, that Permit2 makes through the `exact` proxy of x402. */
export const permit2: TransferMethod = permitMethod({
  moves: { asset: 'permit2' },
  supports: () => ({ scheme: 'exact', extensions: [EIP2612_GAS_SPONSORING] }),
  form: EXACT_PERMIT,
  findTermsProblem({ scheme, isOurNetwork }, offer) {
    if (scheme !== 'exact' || offer.scheme !== 'exact') return 'unsupported_payload_type';
    return isOurNetwork ? undefined : 'invalid_exact_evm_network_mismatch';
  },
  findSignedProblem({ signed, payTo, asset, amount }, now) {
    const time = BigInt(Math.floor(now));
    if (signed.spender !== EXACT_PERMIT.spender) return 'invalid_permit2_spender';
    if (signed.witness.to !== payTo) return 'invalid_permit2_recipient_mismatch';
    if (signed.deadline < time + SETTLEMENT_MARGIN_SECONDS) return 'permit2_deadline_expired';
    if (signed.witness.validAfter > time) return 'permit2_not_yet_valid';
    if (signed.permitted.amount !== amount) return 'permit2_amount_mismatch';
    return signed.permitted.token === asset ? undefined : 'permit2_token_mismatch';
  },
  encode({ signed: { permitted, nonce, deadline, from, witness }, signature }, approval) {
    const signed = [{ permitted, nonce, deadline }, from, witness, signature] as const;
    const abi = exactPermit2ProxyAbi;
    return approval === undefined
      ? encodeFunctionData({ abi, functionName: 'settle', args: signed })
      : encodeFunctionData({ abi, functionName: 'settleWithPermit', args: [approval, ...signed] });
  },
  calldata: {
    decode(input) {
      const { functionName, args } = decodeFunctionData({ abi: exactPermit2ProxyAbi, data: input });
      return functionName === 'settle' ? [args[0], args[1]] : [args[1], args[2]];
    },
    words: ({ token, moved, owner, to, any }) => `${token}${moved}(${any})${any}${owner}${to}`,
  },
});
