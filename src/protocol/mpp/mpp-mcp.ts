import { fieldIn } from '../../domain/flat-fields.ts';
import type { ErrorCode } from '../../domain/gateway-error.ts';
import { canonicalJson, isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import { readJsonBytes } from '../header-json.ts';
import type { McpForm } from '../mcp-form.ts';
import type { Credential } from '../protocol.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { mppReceipt } from './receipt.ts';

/** Codes of JSON-RPC. @see draft-payment-transport-mcp-00, "Error Codes" */
const PAYMENT_REQUIRED = -32042;
const VERIFICATION_FAILED = -32043;
const INVALID_PARAMS = -32602;

/**
 * MPP in messages of MCP. Challenges are in the data of an error, where `request` is an object and not text; the
 * credential and the receipt are in `_meta`. Challenges, credentials and ids are those of HTTP, and bind the same
 * facts.
 *
 * @see draft-payment-transport-mcp-00
 */
export const MPP_MCP_FORM: McpForm = {
  payment: 'org.paymentauth/credential',
  receipt: 'org.paymentauth/receipt',
  price: {
    place: 'error',
    extension: undefined,
    meta: 'org.paymentauth/payment-required',
    beside: undefined,
    code: errorCode,
  },
  credential,
  receiptOf(receipt, payment) {
    const said = mppReceipt(receipt);
    return said && { ...said, ...challengeOf(payment) };
  },
  receiptIn(fields, payment) {
    const text = fieldIn(fields, 'payment-receipt');
    const bytes = text === undefined ? undefined : decodeBase64url(text);
    const decoded = bytes && readJsonBytes(bytes);
    return decoded?.ok === true && isJsonObject(decoded.value)
      ? { ...decoded.value, ...challengeOf(payment) }
      : undefined;
  },
};

/** Stock clients pay after the first two codes: the price, and a payment that failed its verification. */
function errorCode(occasion: ErrorCode): number {
  switch (occasion) {
    case 'payment_refused':
    case 'settlement_failed':
      return VERIFICATION_FAILED;
    case 'credential_malformed':
    case 'payment_method_unsupported':
      return INVALID_PARAMS;
    default:
      return PAYMENT_REQUIRED;
  }
}

/** A challenge as clients of MCP read it. @param request of the challenge, as it is over HTTP */
export function messageChallenge(parameters: readonly (readonly [name: string, value: string])[]): JsonObject {
  return Object.fromEntries(
    parameters.map(([name, value]): readonly [string, Json] => [name, name === 'request' ? objectIn(value) : value]),
  );
}

function objectIn(text: string): Json {
  const bytes = decodeBase64url(text);
  const decoded = bytes && readJsonBytes(bytes);
  if (decoded?.ok !== true) throw new Error('a challenge whose request does not decode');
  return decoded.value;
}

/** The text that the same credential has over HTTP. Some clients send that. */
function credential(value: Json): Credential {
  if (typeof value === 'string') return { kind: 'one', text: value.replace(/^Payment +/i, '') };
  // Messages keep the texts of their numbers; a plain parse makes the numbers canonical again.
  const plain: Json = JSON.parse(JSON.stringify(value));
  return { kind: 'one', text: encodeBase64url(JSON.stringify(withRequestText(plain))) };
}

function withRequestText(credentialValue: Json): Json {
  if (!isJsonObject(credentialValue)) return credentialValue;
  const { challenge } = credentialValue;
  if (!isJsonObject(challenge) || !isJsonObject(challenge['request'])) return credentialValue;
  const request = encodeBase64url(canonicalJson(challenge['request']));
  return { ...credentialValue, challenge: { ...challenge, request } };
}

/** Receipts in messages name the challenge that they are for. */
function challengeOf(payment: Json | undefined): JsonObject {
  const challenge = isJsonObject(payment) ? payment['challenge'] : undefined;
  const id = isJsonObject(challenge) ? challenge['id'] : undefined;
  return typeof id === 'string' ? { challengeId: id } : {};
}
