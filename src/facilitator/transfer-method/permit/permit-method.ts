import { PERMIT2 } from '../../../evm/addresses.ts';
import { type Eip2612Permit, readEip2612Permit } from '../../../evm/eip2612.ts';
import type { Permit2Payload } from '../../../evm/permit2.ts';
import type { Call } from '../../chain/chain-facts.ts';
import { isTransfer } from '../../chain/transfer-event.ts';
import { findNonceUse } from '../nonce-use.ts';
import type { Transfer } from '../transfer.ts';
import { signedFacts } from '../transfer-facts.ts';
import type { TransferMethod } from '../transfer-method.ts';
import { findApprovalProblem, findPermitProblem, PERMIT_REASONS } from './permit-problem.ts';
import { usesPermit } from './permit-proof.ts';
import type { PermitScheme } from './permit-scheme.ts';
import type { PermitTransfer } from './permit-transfer.ts';

/**
 * 101 000 were measured through the x402 proxy, Permit2 and the test token; an upgradeable token with its own checks
 * takes some 30 000 more. 30 % on top.
 */
const PERMIT2_KEY_GAS = 170_000n;

/** The same with a smart account's `isValidSignature`. */
const PERMIT2_ACCOUNT_GAS = 270_000n;

/** What an EIP-2612 approval takes beside a transfer: some 50 000, and more with a token behind a proxy. */
const APPROVAL_GAS = 90_000n;

/** The method of a scheme whose transfers Permit2 makes through a proxy of x402. */
export function permitMethod<P extends Permit2Payload>(scheme: PermitScheme<P>): TransferMethod {
  const { moves, supports, findTermsProblem, form } = scheme;
  return {
    moves,
    ...(supports === undefined ? {} : { supports }),
    findTermsProblem,
    read({ offer, submission }, offered, chainId, { digests, recovery }) {
      const signed = form.read(submission.payload.payload);
      if (signed === undefined) return undefined;
      const digest = digests.permitWitnessTransfer(digests.permit2Domain(chainId, PERMIT2), form, signed);
      const approval = submission.version === 2 ? readEip2612Permit(submission.payload.extensions) : undefined;
      const facts = { ...offered, ...signedFacts(signed.from, digest, signed.signature, recovery) };
      return permitTransfer({ signed, offered: offer.amount, approval, ...facts }, scheme);
    },
  };
}

function permitTransfer<P extends Permit2Payload>(permit: PermitTransfer<P>, scheme: PermitScheme<P>): Transfer {
  const { signed } = permit;
  const transfer: Transfer = {
    ...permit,
    deployment: undefined,
    reasons: PERMIT_REASONS,
    use: {
      lastSecond: signed.deadline,
      namesNonce: false,
      nonceIsGone: (reads, signal, block) => reads.permitIsGone(signed.from, signed.nonce, signal, block),
      candidates: (node, range, signal) => node.transfers(permit, range, signal),
      isIn: (events) => events.some((event) => isTransfer(event, permit)),
      judge: (receipt, view, signal) => usesPermit(permit, scheme, receipt, view, signal),
      findForeign: (_longest, tools, signal) => findNonceUse(transfer, { approved: true }, tools, signal),
    },
    settling: {
      mayShare: false,
      call: () => permitCall(permit, scheme),
      findSignedProblem: (now, sender) => scheme.findSignedProblem(permit, now, sender),
      findProblem: async (_offer, now, context) =>
        scheme.findSignedProblem(permit, now, context.sender) ??
        findApprovalProblem(permit, now) ??
        (await findPermitProblem(permit, permitCall(permit, scheme), context)),
    },
  };
  return transfer;
}

function permitCall<P extends Permit2Payload>(permit: PermitTransfer<P>, { form, encode }: PermitScheme<P>): Call {
  const approval = approvalOf(permit);
  const gas = permit.signedByKey ? PERMIT2_KEY_GAS : PERMIT2_ACCOUNT_GAS;
  return { to: form.spender, data: encode(permit, approval), gas: approval === undefined ? gas : gas + APPROVAL_GAS };
}

/**
 * The approval that goes on chain before the transfer. The proxy continues when the token refuses it: somebody else may
 * have sent the approval before, and then the allowance exists.
 */
function approvalOf({ approval }: PermitTransfer<Permit2Payload>): Eip2612Permit | undefined {
  return approval === 'malformed' ? undefined : approval;
}
