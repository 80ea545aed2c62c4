import type { Asset } from '../../domain/asset.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { parseAddress } from '../../evm/address.ts';
import { UPTO_PERMIT } from '../../evm/upto/upto-permit.ts';
import { loadCheckTools } from '../exact-evm/exact-evm.ts';
import { permit2Key } from '../exact-evm/permit2-check.ts';
import type { Scheme } from '../scheme.ts';
import { createUptoCheck } from './upto-check.ts';

/**
 * The `upto` scheme on EVM chains: one signed permit for at most the price, of which what was used is moved. Assets of
 * any transfer method can be paid in it, since all of them move through Permit2.
 *
 * @see x402 specification, `schemes/upto/scheme_upto_evm.md`
 */
export async function loadUptoEvm(): Promise<Scheme> {
  const authenticate = createUptoCheck(await loadCheckTools());
  return {
    scheme: 'upto',
    family: 'eip155',
    extra: signingFacts,
    facts: settlingFacts,
    paymentKey(payload, offer) {
      const permit = UPTO_PERMIT.read(payload);
      return permit && permit2Key(permit, offer);
    },
    authenticate,
  };
}

/** The token's EIP-712 domain is for clients that sign an EIP-2612 approval of Permit2 along with the payment. */
function signingFacts({ name, version }: Asset): JsonObject {
  return { ...(name === undefined ? {} : { name, version }), assetTransferMethod: 'permit2' };
}

/** The account that will settle, which the payer signs for: without it payment is impossible. */
function settlingFacts({ facilitatorAddress }: JsonObject): JsonObject | undefined {
  return parseAddress(facilitatorAddress) === undefined ? undefined : { facilitatorAddress: facilitatorAddress ?? '' };
}
