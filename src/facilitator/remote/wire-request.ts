import { type Amount, formatAmount } from '../../domain/amount.ts';
import type { Payment } from '../../domain/payment.ts';
import type {
  PaymentPayload,
  PaymentPayloadV1,
  PaymentRequirements,
  PaymentRequirementsV1,
  SupportedKind,
} from '../../domain/x402.ts';

/** The body of `/verify` and `/settle`. @see x402 specification v2 §7 */
export type WireRequest =
  | {
      readonly x402Version: 2;
      readonly paymentPayload: PaymentPayload;
      readonly paymentRequirements: PaymentRequirements;
    }
  | {
      readonly x402Version: 1;
      readonly paymentPayload: PaymentPayloadV1;
      readonly paymentRequirements: PaymentRequirementsV1;
    };

/**
 * The wire form of a payment for a facilitator that supports `kinds`. A v1 payment goes out as v1 where the facilitator
 * lists v1, else as v2: the signed content is the same in both, and the requirement is our own.
 */
export function wireVersion({ submission, offer }: Payment, kinds: readonly SupportedKind[]): 1 | 2 {
  const { v1Network } = offer;
  return submission.version === 1 && v1Network !== undefined && listsV1(kinds, offer.scheme, v1Network) ? 1 : 2;
}

/**
 * Writes a payment for a facilitator in a form that {@link wireVersion} gave, to verify it or to settle `amount` of it.
 * The requirement is always ours, never the client's `accepted`, which stays what the payer signed for, and so is the
 * URL of the resource: catalogues list what is paid for under it, and a buyer could write another host there. The same
 * payment gives the same JSON, byte for byte, also when it was read back from the ledger: some facilitators recognise a
 * settlement that they have already made by these bytes.
 */
export function wireRequest(payment: Payment, amount: Amount, version: 1 | 2): WireRequest {
  const { submission, offer } = payment;
  const asked = { ...offer.requirements, amount: formatAmount(amount) };
  if (submission.version === 2) return version2(withOurTerms(submission.payload, payment), asked);
  const { v1Network } = offer;
  if (version === 1 && v1Network !== undefined) {
    return {
      x402Version: 1,
      paymentPayload: submission.payload,
      paymentRequirements: requirementsV1(asked, v1Network, payment.resourceUrl),
    };
  }
  return version2({ x402Version: 2, accepted: offer.requirements, payload: submission.payload.payload }, asked);
}

function withOurTerms(payload: PaymentPayload, { offer, resourceUrl }: Payment): PaymentPayload {
  const { resource } = payload;
  const ours = { ...payload, accepted: offer.requirements };
  return resource === undefined ? ours : { ...ours, resource: { ...resource, url: resourceUrl } };
}

function version2(paymentPayload: PaymentPayload, paymentRequirements: PaymentRequirements): WireRequest {
  return { x402Version: 2, paymentPayload, paymentRequirements };
}

function listsV1(kinds: readonly SupportedKind[], scheme: string, v1Network: string): boolean {
  return kinds.some((kind) => kind.x402Version === 1 && kind.scheme === scheme && kind.network === v1Network);
}

/** `description` and `mimeType` are required in v1, and no facilitator compares them with anything. */
function requirementsV1(asked: PaymentRequirements, network: string, resource: string): PaymentRequirementsV1 {
  const { scheme, amount, payTo, maxTimeoutSeconds, asset, extra } = asked;
  return {
    scheme,
    network,
    maxAmountRequired: amount,
    resource,
    description: '',
    mimeType: '',
    payTo,
    maxTimeoutSeconds,
    asset,
    extra,
  };
}
