import { isJsonObject } from '../domain/payment.ts';
import type { IdentifierRule } from '../domain/route.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** The extension's key in `extensions`. */
export const PAYMENT_IDENTIFIER = 'payment-identifier';

/** What an id may look like, by the extension's own schema. */
const PATTERN = '^[a-zA-Z0-9_-]+$';
const LENGTH = { least: 16, most: 128 } as const;
const WELL_FORMED = new RegExp(PATTERN);

/** The buyer's own id for a purchase, as it was sent. */
export type Identifier = { readonly kind: 'none' | 'malformed' } | { readonly kind: 'named'; readonly id: string };

/** No id was sent. */
export const UNNAMED: Identifier = { kind: 'none' };

/**
 * The declaration of the extension in a 402.
 *
 * @param withSchema whether to state the form of an id, which clients know in any case
 * @see x402 specification, `extensions/payment_identifier.md`
 */
export function declareIdentifier(rule: IdentifierRule, withSchema: boolean): JsonObject | undefined {
  if (rule === 'off') return undefined;
  const info = { required: rule === 'required' };
  if (!withSchema) return { info };
  return {
    info,
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        required: { type: 'boolean' },
        id: { type: 'string', minLength: LENGTH.least, maxLength: LENGTH.most, pattern: PATTERN },
      },
      required: ['required'],
    },
  };
}

/** Reads the id out of the `extensions` of a payment. */
export function readIdentifier(extensions: JsonObject | undefined): Identifier {
  const id = idOf(extensions?.[PAYMENT_IDENTIFIER]);
  if (id === undefined) return UNNAMED;
  return isWellFormed(id) ? { kind: 'named', id } : { kind: 'malformed' };
}

function isWellFormed(id: Json): id is string {
  return typeof id === 'string' && id.length >= LENGTH.least && id.length <= LENGTH.most && WELL_FORMED.test(id);
}

function idOf(extension: Json | undefined): Json | undefined {
  if (!isJsonObject(extension)) return undefined;
  const info = extension['info'];
  return isJsonObject(info) ? info['id'] : undefined;
}
