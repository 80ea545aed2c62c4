import { canonicalJson, isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import { type Eip3009Payload, readEip3009Payload } from '../../evm/eip3009.ts';
import { readJsonBytes } from '../header-json.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import type { BoundFacts } from './challenge-id.ts';
import { type ChargeFacts, CREDENTIAL_TYPE, INTENT, METHOD, readChargeRequest } from './charge-request.ts';

/** A credential of `evm`/`charge`, type `authorization`, in the right form. Nothing in it is proved. */
export interface MppCredential {
  readonly id: string;
  readonly bound: BoundFacts;
  /** What the echoed challenge asks for. */
  readonly asked: ChargeFacts;
  /** What the payer signed, read. */
  readonly signed: Eip3009Payload;
  /** The same in the form of the x402 payload, the only part that facilitators and the scheme see. */
  readonly payload: JsonObject;
  /** The payer as a DID, where the credential names one. */
  readonly source: string | undefined;
}

/** The result of reading a credential. */
export type ReadCredential =
  | { readonly kind: 'read'; readonly credential: MppCredential }
  | { readonly kind: 'malformed'; readonly detail: string }
  /** In the right form, and of a method, an intent or a type that is not spoken here. */
  | { readonly kind: 'unsupported'; readonly detail: string };

/**
 * Reads the text after `Payment`, every field in the one form that the wire allows. Unknown fields are ignored, as the
 * draft requires.
 *
 * @see draft-httpauth-payment-00, "Credentials"; draft-evm-charge-00, "Authorization Payload"
 */
export function readCredential(text: string): ReadCredential {
  const bytes = decodeBase64url(text);
  if (bytes === undefined) return malformed('it is not base64url without padding');
  const decoded = readJsonBytes(bytes);
  if (!decoded.ok) return malformed(decoded.wrong);
  if (!isJsonObject(decoded.value)) return malformed('it is not a JSON object');
  return readFields(decoded.value);
}

/** Reads a credential that was JSON already. */
export function readFields({ challenge, payload, source }: JsonObject): ReadCredential {
  if (!isJsonObject(challenge)) return malformed('challenge is not an object');
  if (!isJsonObject(payload)) return malformed('payload is not an object');
  if (source !== undefined && typeof source !== 'string') return malformed('source is not a string');
  const echoed = readEcho(challenge);
  if (echoed === undefined) return malformed('challenge has a field that is missing or no string');
  const { method, intent, request } = echoed.bound;
  if (method !== METHOD || intent !== INTENT) return unsupported(`The method is ${METHOD}, the intent ${INTENT}.`);
  if (payload['type'] !== CREDENTIAL_TYPE) return unsupported(`Credentials are of the type ${CREDENTIAL_TYPE}.`);
  const asked = readChargeRequest(request);
  if (asked === undefined) return malformed('request does not hold a charge');
  const paid = authorizationOf(payload);
  const signed = paid && readEip3009Payload(paid);
  if (paid === undefined || signed === undefined) return malformed('payload is not a signed TransferWithAuthorization');
  return { kind: 'read', credential: { ...echoed, asked, signed, payload: paid, source } };
}

function readEcho(challenge: JsonObject): Pick<MppCredential, 'id' | 'bound'> | undefined {
  const { id, realm, method, intent, request, expires = '', digest = '', opaque: given = '' } = challenge;
  const opaque = opaqueText(given);
  if (typeof id !== 'string' || typeof realm !== 'string' || typeof method !== 'string') return undefined;
  if (typeof intent !== 'string' || typeof request !== 'string' || opaque === undefined) return undefined;
  if (typeof expires !== 'string' || typeof digest !== 'string') return undefined;
  return { id, bound: { realm, method, intent, request, expires, digest, opaque } };
}

/** Older clients of `mppx` send `opaque` decoded. */
function opaqueText(given: Json): string | undefined {
  if (typeof given === 'string') return given;
  return isJsonObject(given) ? encodeBase64url(canonicalJson(given)) : undefined;
}

/** The payload as x402 has it, so that the same authorization is the same payment, whichever protocol brings it. */
function authorizationOf(payload: JsonObject): JsonObject | undefined {
  const { signature, from, to, value, validAfter, validBefore, nonce } = payload;
  if (signature === undefined || from === undefined || to === undefined || value === undefined) return undefined;
  if (validAfter === undefined || validBefore === undefined || nonce === undefined) return undefined;
  return { signature, authorization: { from, to, value, validAfter, validBefore, nonce } };
}

function malformed(detail: string): ReadCredential {
  return { kind: 'malformed', detail };
}

function unsupported(detail: string): ReadCredential {
  return { kind: 'unsupported', detail };
}
