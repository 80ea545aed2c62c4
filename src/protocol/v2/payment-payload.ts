import { parseAmount } from '../../domain/amount.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject, PaymentPayload, PaymentRequirements } from '../../domain/x402.ts';
import { versionText } from '../header-json.ts';

/** A payload of the right shape, or what is wrong with it. */
export type ReadPayload =
  | { readonly kind: 'read'; readonly payload: PaymentPayload }
  | { readonly kind: 'malformed'; readonly detail: string };

/**
 * Reads a v2 `PaymentPayload`; every field has to be of its type.
 *
 * @see x402 specification v2 §5.2
 */
export function readPaymentPayload(value: Json): ReadPayload {
  if (!isJsonObject(value)) return malformed('it is not a JSON object');
  if (value['x402Version'] !== 2) {
    return malformed(`x402Version is ${versionText(value)}, and PAYMENT-SIGNATURE carries version 2`);
  }
  const accepted = readRequirements(value['accepted']);
  if (accepted === undefined) return malformed('accepted is not a PaymentRequirements object');
  const { payload, resource, extensions } = value;
  if (!isJsonObject(payload)) return malformed('payload is not an object');
  if (!isOptionalObject(resource)) return malformed('resource is not an object');
  if (!isOptionalObject(extensions)) return malformed('extensions is not an object');
  const read: PaymentPayload = {
    x402Version: 2,
    ...(resource ? { resource } : {}),
    accepted,
    payload,
    ...(extensions ? { extensions } : {}),
  };
  return { kind: 'read', payload: read };
}

function readRequirements(value: Json | undefined): PaymentRequirements | undefined {
  if (!isJsonObject(value)) return undefined;
  const { scheme, network, amount, asset, payTo, maxTimeoutSeconds, extra } = value;
  if (typeof scheme !== 'string' || typeof network !== 'string' || parseAmount(amount) === undefined) return undefined;
  if (typeof asset !== 'string' || typeof payTo !== 'string' || typeof amount !== 'string') return undefined;
  if (typeof maxTimeoutSeconds !== 'number' || !isOptionalObject(extra)) return undefined;
  return { scheme, network, amount, asset, payTo, maxTimeoutSeconds, extra: extra ?? {} };
}

function isOptionalObject(value: Json | undefined): value is JsonObject | null | undefined {
  return value === undefined || value === null || isJsonObject(value);
}

function malformed(detail: string): ReadPayload {
  return { kind: 'malformed', detail };
}
