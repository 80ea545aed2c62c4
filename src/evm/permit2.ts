import { parseAmount } from '../domain/amount.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { JsonObject } from '../domain/x402.ts';
import { type Address, type Hex, parseAddress, parseHex } from './address.ts';
import { EXACT_PERMIT2_PROXY } from './addresses.ts';
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

/** What payers sign along with a permit. The contract that uses the permit holds to it. */
export interface WitnessForm<P extends Permit2Payload> {
  /** Its EIP-712 type. */
  readonly type: string;
  /** Its members, in the order of the type. */
  members(witness: P['witness']): readonly (Address | bigint)[];
}

/** The parts in which the permits of one scheme differ from those of others. */
export interface PermitForm<P extends Permit2Payload> {
  /** The only contract that may use the permit. */
  readonly spender: Address;
  readonly witness: WitnessForm<P>;
  /** Reads a payload, every field in the one spelling that the wire allows; `undefined` when anything is off. */
  read(payload: JsonObject): P | undefined;
}

/** The permits of `exact`. */
export const EXACT_PERMIT: PermitForm<Permit2Payload> = {
  spender: EXACT_PERMIT2_PROXY,
  witness: {
    type: 'Witness(address to,uint256 validAfter)',
    members: ({ to, validAfter }) => [to, validAfter],
  },
  read: readPermit2Payload,
};

/** Reads an `exact` payload, every field in the one spelling that the wire allows; `undefined` when anything is off. */
export function readPermit2Payload(payload: JsonObject): Permit2Payload | undefined {
  const authorization = payload['permit2Authorization'];
  return isJsonObject(authorization) ? readAuthorization(payload, authorization) : undefined;
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
