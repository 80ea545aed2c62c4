import type { Asset } from '../../domain/asset.ts';
import type { Offer } from '../../domain/offer.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { createDigests } from '../../evm/eip712.ts';
import { readEip3009Payload } from '../../evm/eip3009.ts';
import { loadKeccak256 } from '../../evm/keccak.ts';
import { readPermit2Payload } from '../../evm/permit2.ts';
import { loadSignerRecovery } from '../../evm/signer-recovery.ts';
import type { Authentication, Scheme } from '../scheme.ts';
import { type CheckTools, createEip3009Check, eip3009Key } from './eip3009-check.ts';
import { createPermit2Check, permit2Key } from './permit2-check.ts';

/**
 * The `exact` scheme on EVM chains: one signed authorization moves exactly the price, by EIP-3009 or by Permit2.
 *
 * @see x402 specification, `schemes/exact/scheme_exact_evm.md`
 */
export async function loadExactEvm(): Promise<Scheme> {
  const tools = await loadCheckTools();
  const eip3009 = createEip3009Check(tools);
  const permit2 = createPermit2Check(tools);
  return {
    scheme: 'exact',
    family: 'eip155',
    extra: signingFacts,
    // For Permit2 only a verification reports a missing approval, which a buyer can fix.
    leavesOnlyTheChain: ({ asset }) => asset.transferMethod === 'eip3009',
    paymentKey(payload: JsonObject, offer: Offer): PaymentKey | undefined {
      if (offer.asset.transferMethod === 'eip3009') {
        const signed = readEip3009Payload(payload);
        return signed && eip3009Key(signed, offer);
      }
      const permit = readPermit2Payload(payload);
      return permit && permit2Key(permit, offer);
    },
    authenticate(payload: JsonObject, offer: Offer, now: number): Authentication {
      return (offer.asset.transferMethod === 'eip3009' ? eip3009 : permit2)(payload, offer, now);
    },
  };
}

/** Loads what the checks of EVM payloads compute with; it is WebAssembly or native and loads asynchronously. */
export async function loadCheckTools(): Promise<CheckTools> {
  const keccak256 = await loadKeccak256();
  return { digests: createDigests(keccak256), recovery: await loadSignerRecovery(keccak256) };
}

/** EIP-3009 signers need the token's EIP-712 domain; Permit2 signs under its own and only needs to be named. */
function signingFacts(asset: Asset): JsonObject {
  return asset.transferMethod === 'eip3009'
    ? { name: asset.name, version: asset.version }
    : { assetTransferMethod: 'permit2' };
}
