import { isJsonObject } from '../../domain/payment.ts';
import type { Json, SupportedKind } from '../../domain/x402.ts';
import { optionalObject } from './answer-fields.ts';
import { unbelievable } from './verify-answer.ts';
import { member } from './wire-json.ts';

/**
 * Reads the answer to `/supported`: its `kinds`. Versions, schemes and networks that we do not know are kept; they
 * cover no offer.
 *
 * @throws GatewayError `facilitator_invalid_answer` for anything that is not a list of well-formed kinds.
 */
export function readSupportedAnswer(answer: Json | undefined): readonly SupportedKind[] {
  const kinds = isJsonObject(answer) ? member(answer, 'kinds') : undefined;
  if (!isList(kinds)) throw unbelievable('kinds is not a list');
  return kinds.map(readKind);
}

function readKind(kind: Json): SupportedKind {
  if (!isJsonObject(kind)) throw unbelievable('a kind is not an object');
  const x402Version = member(kind, 'x402Version');
  const scheme = member(kind, 'scheme');
  const network = member(kind, 'network');
  const extra = optionalObject(kind, 'extra');
  if (typeof x402Version !== 'number' || !Number.isSafeInteger(x402Version)) {
    throw unbelievable('x402Version of a kind is not an integer');
  }
  if (typeof scheme !== 'string' || typeof network !== 'string' || scheme === '' || network === '') {
    throw unbelievable('scheme or network of a kind is not a name');
  }
  if (extra === false) throw unbelievable('extra of a kind is not an object');
  return extra === undefined ? { x402Version, scheme, network } : { x402Version, scheme, network, extra };
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
