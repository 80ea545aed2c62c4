import { formatAmount } from '../../domain/amount.ts';
import { type NetworkFamilies, sameAddress } from '../../domain/network-family.ts';
import type { Offer } from '../../domain/offer.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Receipt } from '../../domain/receipt.ts';
import { withoutEndSlash } from '../../domain/request-target.ts';
import {
  type Json,
  type JsonObject,
  PAYMENT_FLOW,
  type PaymentPayload,
  type PaymentRequirements,
  type SettleResponse,
} from '../../domain/x402.ts';
import { decodeHeaderJson, encodeHeaderJson } from '../header-json.ts';
import { readIdentifier } from '../payment-identifier.ts';
import {
  credentialIn,
  type Match,
  type MatchContext,
  type Protocol,
  RESOURCE_MISMATCH,
  type Submission,
} from '../protocol.ts';
import { x402McpForm } from '../x402-mcp.ts';
import { compileHeader, requiredIn } from './challenge-header.ts';
import { readPaymentPayload } from './payment-payload.ts';

/**
 * x402 version 2 on HTTP.
 *
 * @see x402 specification, `transports-v2/http.md`
 */
export const x402V2: Protocol = {
  name: 'x402 v2',
  setting: 'x402',
  headers: { request: ['PAYMENT-SIGNATURE'], response: ['PAYMENT-REQUIRED', 'PAYMENT-RESPONSE'] },
  credential: (fields) => credentialIn(fields, 'payment-signature'),
  read(credential) {
    const decoded = decodeHeaderJson(credential);
    if (!decoded.ok) return { kind: 'malformed', detail: decoded.wrong };
    const read = readPaymentPayload(decoded.value);
    return read.kind === 'malformed' ? read : { kind: 'submitted', submission: submissionOf(read.payload) };
  },
  challenge(subject) {
    const header = compileHeader(subject);
    return {
      // A sign-in states a fresh nonce, and signed offers expire.
      repeats: subject.signIn === undefined && subject.receipts === undefined,
      state: (resource, { reason }, beside) => ({
        headers: ['PAYMENT-REQUIRED', header(resource, reason, beside)],
        body: undefined,
      }),
      price: (resource, { reason }) => requiredIn(header(resource, reason)),
    };
  },
  receipt: (receipt) => [['PAYMENT-RESPONSE', encodeHeaderJson(settleResponse(receipt))]],
  mcp: x402McpForm(2, { field: 'PAYMENT-RESPONSE', settleResponse }),
};

function submissionOf(payload: PaymentPayload): Submission {
  return {
    payload: payload.payload,
    identifier: readIdentifier(payload.extensions),
    namesItsOffer: true,
    match: (offers, context) => match(payload, offers, context),
    paying: () => ({ version: 2, payload }),
  };
}

function match(
  { accepted, resource }: PaymentPayload,
  offers: readonly Offer[],
  { resourceUrl, families }: MatchContext,
): Match {
  if (!isForResource(resource, resourceUrl)) return { kind: 'refused', reason: RESOURCE_MISMATCH };
  const matched = offers.filter((offer) => pays(accepted, offer, families));
  return matched.length > 0
    ? { kind: 'matched', offers: matched }
    : { kind: 'refused', reason: mismatchReason(accepted, offers) };
}

function settleResponse(receipt: Receipt): SettleResponse {
  const { network, payer } = receipt;
  switch (receipt.kind) {
    case 'failed':
      return { success: false, errorReason: receipt.reason, transaction: receipt.transaction ?? '', network, payer };
    case 'promised':
      // Accepted, and no transaction, as the specification has it.
      return { success: true, transaction: '', network, payer, amount: formatAmount(receipt.amount) };
    case 'settled': {
      const { transaction, extensions } = receipt;
      const amount = formatAmount(receipt.amount);
      return {
        success: true,
        transaction,
        network,
        payer,
        amount,
        ...(extensions === undefined ? {} : { extensions }),
      };
    }
  }
}

/** Whether the echoed requirement is our offer. Clients may add to `extra`, and spell an address in another way. */
function pays(accepted: PaymentRequirements, offer: Offer, families: NetworkFamilies): boolean {
  const ours = offer.requirements;
  const family = families.of(offer.network);
  return (
    accepted.scheme === ours.scheme &&
    accepted.network === ours.network &&
    accepted.amount === ours.amount &&
    accepted.maxTimeoutSeconds === ours.maxTimeoutSeconds &&
    sameAddress(family, accepted.asset, ours.asset) &&
    sameAddress(family, accepted.payTo, ours.payTo) &&
    statesExtra(accepted.extra, ours.extra)
  );
}

/** An offer from before the gateway stated `upfront` is still a valid quote, although it does not name the flow. */
function statesExtra(theirs: JsonObject, ours: JsonObject): boolean {
  const { [PAYMENT_FLOW]: _flow, ...rest } = ours;
  return contains(theirs, Object.hasOwn(theirs, PAYMENT_FLOW) ? ours : rest);
}

function mismatchReason(accepted: PaymentRequirements, offers: readonly Offer[]): string {
  if (!offers.some((offer) => offer.scheme === accepted.scheme)) return 'unsupported_scheme';
  if (!offers.some((offer) => offer.network === accepted.network)) return 'invalid_network';
  return 'invalid_payment_requirements';
}

/**
 * A payment that names another resource was meant for another resource. The signature does not cover the resource, so
 * it proves nothing; a payment may leave it out.
 */
function isForResource(resource: JsonObject | undefined, resourceUrl: string): boolean {
  const url = resource?.['url'];
  if (url === undefined) return true;
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  return url === resourceUrl || pathOf(url) === pathOf(resourceUrl);
}

function pathOf(url: string): string {
  return withoutEndSlash(new URL(url).pathname);
}

/** Whether `ours` is a part of `theirs`: every key of ours there with an equal value, objects compared in the same way. */
function contains(theirs: Json | undefined, ours: Json): boolean {
  if (isJsonObject(ours)) {
    return isJsonObject(theirs) && Object.entries(ours).every(([key, value]) => contains(theirs[key], value));
  }
  return JSON.stringify(theirs) === JSON.stringify(ours);
}
