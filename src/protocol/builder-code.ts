import { BUILDER_CODE_FORM, type BuilderCode } from '../domain/builder-code.ts';
import type { JsonObject } from '../domain/x402.ts';

/** The extension's key in `extensions`. */
export const BUILDER_CODE = 'builder-code';

/** Codes of services in one settlement: five of the buyer's, five of the seller's, and the facilitator's own. */
const MOST_IN_SETTLEMENT = 11;

/**
 * The declaration of the extension in a 402. Clients send it back, with codes of their own in `s`, and the facilitator
 * writes the codes behind the call data of the settlement.
 *
 * @param withSchema whether to state the form of `info`, which clients know in any case
 * @see x402 specification, `extensions/builder_code.md`
 */
export function declareBuilderCode({ app, services }: BuilderCode, withSchema: boolean): JsonObject {
  const info = { a: app, ...(services.length === 0 ? {} : { s: services }) };
  if (!withSchema) return { info };
  const code = { type: 'string', pattern: `^${BUILDER_CODE_FORM}$` };
  return {
    info,
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { a: code, w: code, s: { type: 'array', maxItems: MOST_IN_SETTLEMENT, items: code } },
      additionalProperties: false,
    },
  };
}
