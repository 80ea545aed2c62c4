import { parseAmount } from '../domain/amount.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { JsonObject } from '../domain/x402.ts';
import { type Address, type Hex, parseAddress, parseHex } from './address.ts';

/**
 * A signed `TransferWithAuthorization`: the `exact` payload for EIP-3009 assets.
 *
 * @see https://eips.ethereum.org/EIPS/eip-3009
 */
export interface Eip3009Payload {
  readonly signature: Hex;
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  /** Unix seconds; the token demands `block.timestamp > validAfter`. */
  readonly validAfter: bigint;
  /** Unix seconds; the token demands `block.timestamp < validBefore`. */
  readonly validBefore: bigint;
  /** 32 bytes. */
  readonly nonce: Hex;
}

/** Longest signature taken: an ERC-6492 one with its factory call is some 1.5 KB. */
export const MAX_SIGNATURE_BYTES = 4096;

/** Reads a scheme payload, every field in the one spelling that the wire allows; `undefined` when anything is off. */
export function readEip3009Payload(payload: JsonObject): Eip3009Payload | undefined {
  const authorization = payload['authorization'];
  if (!isJsonObject(authorization)) return undefined;
  const signature = parseHex(payload['signature']);
  const from = parseAddress(authorization['from']);
  const to = parseAddress(authorization['to']);
  const value = parseAmount(authorization['value']);
  const validAfter = parseAmount(authorization['validAfter']);
  const validBefore = parseAmount(authorization['validBefore']);
  const nonce = parseHex(authorization['nonce'], 32);
  if (signature === undefined || signature.length > 2 + 2 * MAX_SIGNATURE_BYTES) return undefined;
  if (from === undefined || to === undefined || value === undefined || nonce === undefined) return undefined;
  if (validAfter === undefined || validBefore === undefined) return undefined;
  return { signature, from, to, value, validAfter, validBefore, nonce };
}
