import { isJsonObject, type PaymentSubmission } from '../domain/payment.ts';
import type { IdentifierRule } from '../domain/route.ts';
import type { Json } from '../domain/x402.ts';
import { IDENTIFIER_LENGTH, IDENTIFIER_PATTERN, PAYMENT_IDENTIFIER } from '../protocol/payment-identifier.ts';
import type { Refusal } from './stages.ts';

const WELL_FORMED = new RegExp(IDENTIFIER_PATTERN);

/** The id that a payment carries, where its route takes one. */
export type NamedPurchase = { readonly kind: 'named'; readonly id: string | undefined } | Refusal;

/**
 * Reads the buyer's own id of a purchase. Where the route takes none, whatever was sent is ignored; a malformed id is
 * refused, since a buyer who relies on it must not find out later that it was not heard.
 */
export function readIdentifier({ payload }: PaymentSubmission, rule: IdentifierRule): NamedPurchase {
  if (rule === 'off') return { kind: 'named', id: undefined };
  const extensions = 'extensions' in payload ? payload.extensions : undefined;
  const id = idOf(extensions?.[PAYMENT_IDENTIFIER]);
  if (id === undefined) {
    if (rule === 'optional') return { kind: 'named', id: undefined };
    return {
      kind: 'refusal',
      code: 'payment_identifier_required',
      reason: 'payment_identifier_required',
      detail: 'Put an id of your own into extensions["payment-identifier"].info.id.',
    };
  }
  if (isWellFormed(id)) return { kind: 'named', id };
  return {
    kind: 'refusal',
    code: 'payment_malformed',
    reason: 'invalid_payload',
    detail: 'The payment-identifier is 16 to 128 letters, digits, _ or -.',
  };
}

function isWellFormed(id: Json): id is string {
  const { least, most } = IDENTIFIER_LENGTH;
  return typeof id === 'string' && id.length >= least && id.length <= most && WELL_FORMED.test(id);
}

function idOf(extension: Json | undefined): Json | undefined {
  if (!isJsonObject(extension)) return undefined;
  const info = extension['info'];
  return isJsonObject(info) ? info['id'] : undefined;
}
