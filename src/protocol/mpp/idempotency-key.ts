import { hash } from 'node:crypto';
import { type Identifier, UNNAMED } from '../payment-identifier.ts';
import type { RequestFields } from '../protocol.ts';

/** The field in which clients name a purchase of their own. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key';

/** What a key may look like, in quotes or without: what `fetch` sends. */
const WELL_FORMED = /^[\x21\x23-\x5b\x5d-\x7e](?:[\x20\x21\x23-\x5b\x5d-\x7e]{0,253}[\x21\x23-\x5b\x5d-\x7e])?$/;

/**
 * Reads `Idempotency-Key`: two purchases of one buyer with the same key are one, whatever they sign. Its digest is
 * used, which has the form of every other id; a key in quotes equals the one without.
 *
 * @see draft-httpauth-payment-00, "Idempotency"; draft-ietf-httpapi-idempotency-key-header
 */
export function readIdempotencyKey({ headers }: RequestFields): Identifier {
  const value = headers['idempotency-key'];
  if (value === undefined) return UNNAMED;
  const text = typeof value === 'string' ? value.trim().replace(/^"(.*)"$/, '$1') : '';
  if (!WELL_FORMED.test(text)) return { kind: 'malformed' };
  return { kind: 'named', id: hash('sha256', `idempotency-key ${text}`, 'base64url') };
}
