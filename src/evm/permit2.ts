import { parseAmount } from '../domain/amount.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { JsonObject } from '../domain/x402.ts';
import { type Address, type Hex, parseAddress, parseHex } from './address.ts';
import { MAX_SIGNATURE_BYTES } from './eip3009.ts';

/**
 * A signed `PermitWitnessTransferFrom`: the `exact` payload for Permit2 assets.
 *
 * @see https://github.com/Uniswap/permit2 and the x402 specification `scheme_exact_evm.md` §2
 */
export interface Permit2Payload {
  readonly signature: Hex;
  readonly from: Address;
  readonly permitted: { readonly token: Address; readonly amount: bigint };
  /** The only contract that may use the permit: the x402 proxy. */
  readonly spender: Address;
  /** Unordered nonce, unique per owner over all tokens. */
  readonly nonce: bigint;
  /** Unix seconds. */
  readonly deadline: bigint;
  readonly witness: { readonly to: Address; readonly validAfter: bigint };
}

/**
 * A signed `PermitWitnessTransferFrom` for up to an amount: the `upto` payload. Only the account in the witness may
 * choose the amount.
 *
 * @see x402 specification, `scheme_upto_evm.md`
 */
export interface UptoPayload extends Permit2Payload {
  readonly witness: Permit2Payload['witness'] & { readonly facilitator: Address };
}

/** Reads an `exact` payload, every field in the one spelling that the wire allows; `undefined` when anything is off. */
export function readPermit2Payload(payload: JsonObject): Permit2Payload | undefined {
  const authorization = payload['permit2Authorization'];
  return isJsonObject(authorization) ? readAuthorization(payload, authorization) : undefined;
}

/** Reads an `upto` payload in the same way. */
export function readUptoPayload(payload: JsonObject): UptoPayload | undefined {
  const authorization = payload['permit2Authorization'];
  if (!isJsonObject(authorization)) return undefined;
  const signed = readAuthorization(payload, authorization);
  const witness = authorization['witness'];
  const facilitator = isJsonObject(witness) ? parseAddress(witness['facilitator']) : undefined;
  if (signed === undefined || facilitator === undefined) return undefined;
  return { ...signed, witness: { ...signed.witness, facilitator } };
}

function readAuthorization(payload: JsonObject, authorization: JsonObject): Permit2Payload | undefined {
  const permitted = authorization['permitted'];
  const witness = authorization['witness'];
  if (!isJsonObject(permitted) || !isJsonObject(witness)) return undefined;
  const signature = parseHex(payload['signature']);
  const from = parseAddress(authorization['from']);
  const token = parseAddress(permitted['token']);
  const amount = parseAmount(permitted['amount']);
  const spender = parseAddress(authorization['spender']);
  const nonce = parseAmount(authorization['nonce']);
  const deadline = parseAmount(authorization['deadline']);
  const to = parseAddress(witness['to']);
  const validAfter = parseAmount(witness['validAfter']);
  if (signature === undefined || signature.length > 2 + 2 * MAX_SIGNATURE_BYTES) return undefined;
  if (from === undefined || token === undefined || amount === undefined || spender === undefined) return undefined;
  if (nonce === undefined || deadline === undefined || to === undefined || validAfter === undefined) return undefined;
  return { signature, from, permitted: { token, amount }, spender, nonce, deadline, witness: { to, validAfter } };
}
