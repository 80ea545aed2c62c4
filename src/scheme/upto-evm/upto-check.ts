import { hash } from 'node:crypto';
import { evmChainId, type Network } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, type PaymentKey } from '../../domain/payment.ts';
import { parseAddress } from '../../evm/address.ts';
import { PERMIT2, UPTO_PERMIT2_PROXY } from '../../evm/addresses.ts';
import { readUptoPayload, type UptoPayload } from '../../evm/permit2.ts';
import { checkWindow } from '../exact-evm/authorization-window.ts';
import type { CheckTools, TransferCheck } from '../exact-evm/eip3009-check.ts';
import { checkSignature } from '../exact-evm/signature-check.ts';
import { answerFor, type Unfit } from '../exact-evm/unfit.ts';

/** Checks `upto` payloads in the official facilitator's order and with its reasons, as far as no chain is needed. */
export function createUptoCheck(tools: CheckTools): TransferCheck {
  const domains = new Map<Network, Uint8Array>();
  return (payload, offer, now) => {
    const signed = readUptoPayload(payload);
    if (signed === undefined)
      return { kind: 'malformed', detail: 'payload is not a signed upto PermitWitnessTransferFrom' };
    const digest = tools.digests.uptoWitnessTransfer(domainOf(offer.network, tools, domains), signed);
    const signature = checkSignature(tools.recovery, digest, signed.signature, signed.from);
    const forged = { reason: 'invalid_permit2_signature', lapsed: false };
    return answerFor(signature === 'forged' ? forged : unfit(signed, offer, now), {
      // The key of `exact` permits too: Permit2 has one row of nonces for each owner, whoever spends.
      key: `${offer.network}|${PERMIT2}|${signed.from}|${signed.nonce}` as PaymentKey,
      payer: signed.from,
      expiresAt: Number(signed.deadline),
      digest: hash('sha256', canonicalJson(payload)),
      proved: signature === 'proved',
    });
  };
}

function unfit(signed: UptoPayload, offer: Offer, now: number): Unfit | undefined {
  const mismatch = termsMismatch(signed, offer);
  if (mismatch !== undefined) return { reason: mismatch, lapsed: false };
  const wrongMoney = moneyMismatch(signed, offer);
  const lapsed = wrongMoney === undefined;
  switch (checkWindow(signed.witness.validAfter, signed.deadline, now, offer.maxTimeoutSeconds)) {
    case 'ending':
    case 'too_long':
      return { reason: 'permit2_deadline_expired', lapsed };
    case 'not_yet':
      return { reason: 'permit2_not_yet_valid', lapsed };
    case 'inside':
      return wrongMoney === undefined ? undefined : { reason: wrongMoney, lapsed: false };
  }
}

/** An offer that states no facilitator leaves it to the facilitator to know its own accounts. */
function termsMismatch({ spender, witness }: UptoPayload, offer: Offer): string | undefined {
  if (spender !== UPTO_PERMIT2_PROXY) return 'invalid_permit2_spender';
  if (witness.to !== parseAddress(offer.payTo)) return 'invalid_permit2_recipient_mismatch';
  const stated = parseAddress(offer.requirements.extra['facilitatorAddress']);
  return stated === undefined || stated === witness.facilitator ? undefined : 'upto_facilitator_mismatch';
}

/** What was signed must be the offer's maximum: with less, a charge within the offer could not be settled. */
function moneyMismatch({ permitted }: UptoPayload, offer: Offer): string | undefined {
  if (permitted.amount !== offer.amount) return 'permit2_amount_mismatch';
  return permitted.token === parseAddress(offer.asset.address) ? undefined : 'permit2_token_mismatch';
}

function domainOf(network: Network, tools: CheckTools, known: Map<Network, Uint8Array>): Uint8Array {
  const cached = known.get(network);
  if (cached !== undefined) return cached;
  const chainId = evmChainId(network);
  if (chainId === undefined) throw new Error(`the plan holds an upto offer on ${network}, which is no EVM network`);
  const domain = tools.digests.permit2Domain(chainId, PERMIT2);
  known.set(network, domain);
  return domain;
}
