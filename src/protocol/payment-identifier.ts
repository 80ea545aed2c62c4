import type { IdentifierRule } from '../domain/route.ts';
import type { JsonObject } from '../domain/x402.ts';

/** The extension's key in `extensions`. */
export const PAYMENT_IDENTIFIER = 'payment-identifier';

/** What an id may look like, by the extension's own schema. */
export const IDENTIFIER_PATTERN = '^[a-zA-Z0-9_-]+$';
export const IDENTIFIER_LENGTH = { least: 16, most: 128 } as const;

/**
 * The declaration of the extension in a 402.
 *
 * @see x402 specification, `extensions/payment_identifier.md`
 */
export function declareIdentifier(rule: IdentifierRule): JsonObject | undefined {
  if (rule === 'off') return undefined;
  const { least, most } = IDENTIFIER_LENGTH;
  return {
    info: { required: rule === 'required' },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        required: { type: 'boolean' },
        id: { type: 'string', minLength: least, maxLength: most, pattern: IDENTIFIER_PATTERN },
      },
      required: ['required'],
    },
  };
}
