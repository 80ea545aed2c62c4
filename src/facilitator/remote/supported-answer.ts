import { isJsonObject } from '../../domain/payment.ts';
import type { Json, SupportedKind } from '../../domain/x402.ts';
import { optionalObject } from './answer-fields.ts';
import { unbelievable } from './verify-answer.ts';
import { member } from './wire-json.ts';

/**
 * Reads the answer to `/supported`: its `kinds`, each with the `extensions` of the whole answer. Unknown versions,
 * schemes and networks are kept; they cover no offer. A kind that is not well formed is left out, and the others are
 * used.
 *
 * @throws GatewayError `facilitator_invalid_answer` for anything without a list of kinds, and for a list in which none
 *   is well formed.
 */
export function readSupportedAnswer(answer: Json | undefined): readonly SupportedKind[] {
  const listed = isJsonObject(answer) ? member(answer, 'kinds') : undefined;
  if (!isList(listed)) throw unbelievable('kinds is not a list');
  const kinds = listed.flatMap((kind) => readKind(kind) ?? []);
  if (kinds.length === 0 && listed.length > 0) throw unbelievable('no kind is well formed');
  const extensions = readExtensions(answer);
  return extensions.length === 0 ? kinds : kinds.map((kind) => ({ ...kind, extensions }));
}

/** Most extensions that are read of a facilitator, and the longest name of one. */
const MOST_EXTENSIONS = 64;
const LONGEST_NAME = 64;

/** The listed extensions. Entries that are not well formed are skipped, because extensions decide about no payment. */
function readExtensions(answer: Json | undefined): readonly string[] {
  const listed = isJsonObject(answer) ? member(answer, 'extensions') : undefined;
  if (!isList(listed)) return [];
  return listed
    .slice(0, MOST_EXTENSIONS)
    .filter((name) => typeof name === 'string')
    .filter((name) => name.length <= LONGEST_NAME);
}

/** A kind whose `extra` is no object is left out: no offer can be made from it. */
function readKind(kind: Json): SupportedKind | undefined {
  if (!isJsonObject(kind)) return undefined;
  const x402Version = member(kind, 'x402Version');
  const scheme = member(kind, 'scheme');
  const network = member(kind, 'network');
  const extra = optionalObject(kind, 'extra');
  if (typeof x402Version !== 'number' || !Number.isSafeInteger(x402Version)) return undefined;
  if (typeof scheme !== 'string' || typeof network !== 'string' || scheme === '' || network === '') return undefined;
  if (extra === false) return undefined;
  return extra === undefined ? { x402Version, scheme, network } : { x402Version, scheme, network, extra };
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
