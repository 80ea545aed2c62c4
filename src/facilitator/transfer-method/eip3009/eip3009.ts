import { isErc6492Signature, parseErc6492Signature } from 'viem';
import type { Hex } from '../../../evm/address.ts';
import { parseAddress, parseHex } from '../../../evm/address.ts';
import { readEip3009Payload } from '../../../evm/eip3009.ts';
import type { Transfer } from '../transfer.ts';
import { signedFacts } from '../transfer-facts.ts';
import type { TransferMethod } from '../transfer-method.ts';
import { authorizationCall } from './authorization-call.ts';
import { EIP3009_REASONS, findAuthorizationProblem, findEip3009Problem } from './authorization-problem.ts';
import { provesAuthorization } from './authorization-proof.ts';
import type { Eip3009Transfer } from './eip3009-transfer.ts';
import { findForeignUse } from './foreign-use.ts';

/** Transfers that the token itself makes on a signed authorization. */
export const eip3009: TransferMethod = {
  moves: { asset: 'eip3009' },
  findTermsProblem({ scheme, isOurNetwork }, offer) {
    if (scheme !== 'exact' || offer.scheme !== 'exact') return 'invalid_exact_evm_scheme';
    if (offer.asset.name === '' || offer.asset.version === '') return 'invalid_exact_evm_missing_eip712_domain';
    return isOurNetwork ? undefined : 'invalid_exact_evm_network_mismatch';
  },
  read({ offer: { asset: token }, submission }, offered, chainId, { digests, recovery }) {
    if (token.transferMethod === undefined) throw new Error('the plan holds an EVM offer without a transfer method');
    const signed = readEip3009Payload(submission.payload.payload);
    if (signed === undefined) return undefined;
    const { name, version } = token;
    const domain = digests.tokenDomain({ name, version, chainId, verifyingContract: offered.asset });
    const digest = digests.transferWithAuthorization(domain, signed);
    const unwrapped = unwrap(signed.signature);
    if (unwrapped === undefined) return undefined;
    const { signature, deployment } = unwrapped;
    return eip3009Transfer({
      signed,
      deployment,
      ...offered,
      ...signedFacts(signed.from, digest, signature, recovery),
    });
  },
};

/** What the chain will see of a signed authorization. */
export function eip3009Transfer(authorization: Eip3009Transfer): Transfer {
  const { asset, payer, signed, signedByKey, deployment } = authorization;
  const transfer: Transfer = {
    ...authorization,
    reasons: EIP3009_REASONS,
    use: {
      lastSecond: signed.validBefore,
      namesNonce: true,
      nonceIsGone: (reads, signal, block) => reads.authorizationIsGone(asset, signed, signal, block),
      candidates: (node, range, signal) => node.nonceEnds(asset, payer, signed.nonce, range, signal),
      isIn: (events) => provesAuthorization(authorization, events),
      judge: async () => 'proved',
      findForeign: (longest, tools, signal) => findForeignUse({ transfer, authorization }, longest, tools, signal),
    },
    settling: {
      mayShare: signedByKey && deployment === undefined,
      call: () => authorizationCall(authorization),
      findSignedProblem: (now) => findAuthorizationProblem(authorization, now),
      findProblem: (offer, now, context) => findEip3009Problem(authorization, offer, now, context),
    },
  };
  return transfer;
}

/** Takes a signature out of its ERC-6492 wrapping; `undefined` when the wrapping is broken. */
function unwrap(signature: Hex): Pick<Eip3009Transfer, 'signature' | 'deployment'> | undefined {
  if (!isErc6492Signature(signature)) return { signature, deployment: undefined };
  try {
    const wrapped = parseErc6492Signature(signature);
    const factory = parseAddress(wrapped.address);
    const data = parseHex(wrapped.data);
    const inner = parseHex(wrapped.signature);
    if (factory === undefined || data === undefined || inner === undefined) return undefined;
    return { signature: inner, deployment: { factory, data } };
  } catch {
    return undefined; // the magic suffix on bytes that are no ABI encoding
  }
}
