import { hash } from 'node:crypto';
import type { Asset } from '../../domain/asset.ts';
import { evmChainId } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, type PaymentKey } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { parseAddress } from '../../evm/address.ts';
import type { Digests } from '../../evm/eip712.ts';
import { type Eip3009Payload, readEip3009Payload } from '../../evm/eip3009.ts';
import type { SignerRecovery } from '../../evm/signer-recovery.ts';
import type { Authentication } from '../scheme.ts';
import { checkWindow } from './authorization-window.ts';
import { checkSignature } from './signature-check.ts';
import { answerFor, NUMBERS_ARE_TEXTS, type Unfit } from './unfit.ts';

/**
 * Seconds that an authorization may last where the offer's own limit is shorter: the official Go client signed for an
 * hour until September 2026, whatever the offer says.
 */
const HOUR_SECONDS = 3600;

const MALFORMED = `payload is not a signed TransferWithAuthorization; ${NUMBERS_ARE_TEXTS}`;

/** What the checks of this folder compute with. */
export interface CheckTools {
  readonly digests: Digests;
  readonly recovery: SignerRecovery;
}

/** The check of one transfer method: {@link Scheme.authenticate} for the assets that move by it. */
export type TransferCheck = (payload: JsonObject, offer: Offer, now: number) => Authentication;

/** Checks EIP-3009 payloads in the official facilitator's order and with its reasons, as far as no chain is needed. */
export function createEip3009Check(tools: CheckTools): TransferCheck {
  const domains = new WeakMap<Asset, Uint8Array>();
  return (payload, offer, now) => {
    const signed = readEip3009Payload(payload);
    if (signed === undefined) return { kind: 'malformed', detail: MALFORMED };
    const digest = tools.digests.transferWithAuthorization(domainOf(offer.asset, tools, domains), signed);
    const signature = checkSignature(tools.recovery, digest, signed.signature, signed.from);
    const forged = { reason: 'invalid_exact_evm_signature', lapsed: false };
    return answerFor(signature === 'forged' ? forged : unfit(signed, offer, now), {
      key: eip3009Key(signed, offer),
      payer: signed.from,
      expiresAt: Number(signed.validBefore),
      digest: hash('sha256', canonicalJson(payload)),
      proved: signature === 'proved',
    });
  };
}

function unfit(signed: Eip3009Payload, offer: Offer, now: number): Unfit | undefined {
  if (signed.to !== parseAddress(offer.payTo)) return { reason: 'invalid_exact_evm_recipient_mismatch', lapsed: false };
  // Equality, not "at least": a buyer who signed more than the price signed something else than our offer.
  const pays = signed.value === offer.amount;
  const longest = Math.max(offer.maxTimeoutSeconds, HOUR_SECONDS);
  switch (checkWindow(signed.validAfter, signed.validBefore, now, longest)) {
    case 'ending':
    case 'too_long':
      return { reason: 'invalid_exact_evm_payload_authorization_valid_before', lapsed: pays };
    case 'not_yet':
      return { reason: 'invalid_exact_evm_payload_authorization_valid_after', lapsed: pays };
    case 'inside':
      return pays ? undefined : { reason: 'invalid_exact_evm_payload_authorization_value_mismatch', lapsed: false };
  }
}

function domainOf(asset: Asset, tools: CheckTools, known: WeakMap<Asset, Uint8Array>): Uint8Array {
  const cached = known.get(asset);
  if (cached !== undefined) return cached;
  const chainId = evmChainId(asset.network);
  const verifyingContract = parseAddress(asset.address);
  if (chainId === undefined || verifyingContract === undefined || asset.transferMethod === undefined) {
    throw new Error(`the plan holds ${asset.symbol} at ${asset.address} on ${asset.network}, which is no EVM asset`);
  }
  const domain = tools.digests.tokenDomain({ name: asset.name, version: asset.version, chainId, verifyingContract });
  known.set(asset, domain);
  return domain;
}

/** The payment key of a transfer with authorization. */
export function eip3009Key({ from, nonce }: Eip3009Payload, { network, asset }: Offer): PaymentKey {
  return `${network}|${asset.address.toLowerCase()}|${from}|${nonce}` as PaymentKey;
}
