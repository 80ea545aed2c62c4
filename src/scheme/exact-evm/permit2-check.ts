import { hash } from 'node:crypto';
import { evmChainId, type Network } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, type PaymentKey } from '../../domain/payment.ts';
import { parseAddress } from '../../evm/address.ts';
import { PERMIT2 } from '../../evm/addresses.ts';
import { EXACT_PERMIT, type Permit2Payload, type PermitForm } from '../../evm/permit2.ts';
import { checkWindow } from './authorization-window.ts';
import type { CheckTools, TransferCheck } from './eip3009-check.ts';
import { checkSignature } from './signature-check.ts';
import { answerFor, NUMBERS_ARE_TEXTS, type Unfit } from './unfit.ts';

/** The parts in which schemes on Permit2 differ. */
export interface PermitKind<P extends Permit2Payload> {
  readonly form: PermitForm<P>;
  /** The text for a payload that cannot be read. */
  readonly malformed: string;
  /** The specification's reason why the witness does not fit the offer, besides its payee. */
  witnessMismatch(signed: P, offer: Offer): string | undefined;
}

const EXACT: PermitKind<Permit2Payload> = {
  form: EXACT_PERMIT,
  malformed: `payload is not a signed PermitWitnessTransferFrom; ${NUMBERS_ARE_TEXTS}`,
  witnessMismatch: () => undefined,
};

/** Checks `exact` payloads on Permit2. */
export function createPermit2Check(tools: CheckTools): TransferCheck {
  return createPermitCheck(EXACT, tools);
}

/** Checks Permit2 payloads in the official facilitator's order and with its reasons, as far as no chain is needed. */
export function createPermitCheck<P extends Permit2Payload>(kind: PermitKind<P>, tools: CheckTools): TransferCheck {
  const domains = new Map<Network, Uint8Array>();
  return (payload, offer, now) => {
    const signed = kind.form.read(payload);
    if (signed === undefined) return { kind: 'malformed', detail: kind.malformed };
    const domain = domainOf(offer.network, tools, domains);
    const digest = tools.digests.permitWitnessTransfer(domain, kind.form, signed);
    const signature = checkSignature(tools.recovery, digest, signed.signature, signed.from);
    const forged = { reason: 'invalid_permit2_signature', lapsed: false };
    return answerFor(signature === 'forged' ? forged : unfit(kind, signed, offer, now), {
      key: permit2Key(signed, offer),
      payer: signed.from,
      expiresAt: Number(signed.deadline),
      digest: hash('sha256', canonicalJson(payload)),
      proved: signature === 'proved',
    });
  };
}

function unfit<P extends Permit2Payload>(kind: PermitKind<P>, signed: P, offer: Offer, now: number): Unfit | undefined {
  if (signed.spender !== kind.form.spender) return { reason: 'invalid_permit2_spender', lapsed: false };
  if (signed.witness.to !== parseAddress(offer.payTo)) {
    return { reason: 'invalid_permit2_recipient_mismatch', lapsed: false };
  }
  const wrongWitness = kind.witnessMismatch(signed, offer);
  if (wrongWitness !== undefined) return { reason: wrongWitness, lapsed: false };
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

/** The whole amount of the offer, also where it is a maximum: a smaller permit could not settle every charge within it. */
function moneyMismatch({ permitted }: Permit2Payload, offer: Offer): string | undefined {
  if (permitted.amount !== offer.amount) return 'permit2_amount_mismatch';
  return permitted.token === parseAddress(offer.asset.address) ? undefined : 'permit2_token_mismatch';
}

function domainOf(network: Network, tools: CheckTools, known: Map<Network, Uint8Array>): Uint8Array {
  const cached = known.get(network);
  if (cached !== undefined) return cached;
  const chainId = evmChainId(network);
  if (chainId === undefined) throw new Error(`the plan holds a Permit2 offer on ${network}, which is no EVM network`);
  const domain = tools.digests.permit2Domain(chainId, PERMIT2);
  known.set(network, domain);
  return domain;
}

/** The payment key of a permit. Permit2 has one series of nonces for each owner, over all tokens and spenders. */
export function permit2Key({ from, nonce }: Permit2Payload, { network }: Offer): PaymentKey {
  return `${network}|${PERMIT2}|${from}|${nonce}` as PaymentKey;
}
