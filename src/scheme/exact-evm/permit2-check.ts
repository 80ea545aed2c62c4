import { hash } from 'node:crypto';
import { evmChainId, type Network } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, type PaymentKey } from '../../domain/payment.ts';
import { parseAddress } from '../../evm/address.ts';
import { EXACT_PERMIT2_PROXY, PERMIT2 } from '../../evm/addresses.ts';
import { type Permit2Payload, readPermit2Payload } from '../../evm/permit2.ts';
import { checkWindow } from './authorization-window.ts';
import type { CheckTools, TransferCheck } from './eip3009-check.ts';
import { checkSignature } from './signature-check.ts';
import { answerFor, type Unfit } from './unfit.ts';

/** Checks Permit2 payloads in the official facilitator's order and with its reasons, as far as no chain is needed. */
export function createPermit2Check(tools: CheckTools): TransferCheck {
  const domains = new Map<Network, Uint8Array>();
  return (payload, offer, now) => {
    const signed = readPermit2Payload(payload);
    if (signed === undefined) return { kind: 'malformed', detail: 'payload is not a signed PermitWitnessTransferFrom' };
    const digest = tools.digests.permitWitnessTransfer(domainOf(offer.network, tools, domains), signed);
    const signature = checkSignature(tools.recovery, digest, signed.signature, signed.from);
    const forged = { reason: 'invalid_permit2_signature', lapsed: false };
    return answerFor(signature === 'forged' ? forged : unfit(signed, offer, now), {
      // Permit2 nonces are per owner over all tokens, so that the token is no part of the key.
      key: `${offer.network}|${PERMIT2}|${signed.from}|${signed.nonce}` as PaymentKey,
      payer: signed.from,
      expiresAt: Number(signed.deadline),
      digest: hash('sha256', canonicalJson(payload)),
      proved: signature === 'proved',
    });
  };
}

function unfit(signed: Permit2Payload, offer: Offer, now: number): Unfit | undefined {
  if (signed.spender !== EXACT_PERMIT2_PROXY) return { reason: 'invalid_permit2_spender', lapsed: false };
  if (signed.witness.to !== parseAddress(offer.payTo)) {
    return { reason: 'invalid_permit2_recipient_mismatch', lapsed: false };
  }
  const wrongMoney = moneyMismatch(signed, offer);
  switch (checkWindow(signed.witness.validAfter, signed.deadline, now, offer.maxTimeoutSeconds)) {
    case 'ending':
    case 'too_long':
      return { reason: 'permit2_deadline_expired', lapsed: wrongMoney === undefined };
    case 'not_yet':
      return { reason: 'permit2_not_yet_valid', lapsed: wrongMoney === undefined };
    case 'inside':
      return wrongMoney === undefined ? undefined : { reason: wrongMoney, lapsed: false };
  }
}

function moneyMismatch({ permitted }: Permit2Payload, offer: Offer): string | undefined {
  if (permitted.amount !== offer.amount) return 'permit2_amount_mismatch';
  return permitted.token === parseAddress(offer.asset.address) ? undefined : 'permit2_token_mismatch';
}

function domainOf(network: Network, tools: CheckTools, known: Map<Network, Uint8Array>): Uint8Array {
  const cached = known.get(network);
  if (cached !== undefined) return cached;
  const chainId = evmChainId(network);
  if (chainId === undefined) throw new Error(`the plan holds a Permit2 asset on ${network}, which is no EVM network`);
  const domain = tools.digests.permit2Domain(chainId, PERMIT2);
  known.set(network, domain);
  return domain;
}
