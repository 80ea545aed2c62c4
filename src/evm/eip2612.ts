import { parseAmount } from '../domain/amount.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { JsonObject } from '../domain/x402.ts';
import { type Address, type Hex, parseAddress, parseHex } from './address.ts';

/** The extension by which a payer sends an approval of Permit2 along, for the facilitator to bring on chain. */
export const EIP2612_GAS_SPONSORING = 'eip2612GasSponsoring';

/**
 * A signed EIP-2612 `Permit`, as the client states it. Only the token can tell whether it is valid, when it is sent.
 *
 * @see https://eips.ethereum.org/EIPS/eip-2612 and the x402 specification, `extensions/eip2612_gas_sponsoring.md`
 */
export interface Eip2612Permit {
  readonly from: Address;
  readonly asset: Address;
  readonly spender: Address;
  /** What is approved, in atomic units. */
  readonly value: bigint;
  /** Unix seconds. */
  readonly deadline: bigint;
  readonly r: Hex;
  readonly s: Hex;
  readonly v: number;
}

/** Bytes `r`, `s` and `v`, in hex digits with `0x`. */
const SIGNATURE_LENGTH = 132;

/**
 * Reads the permit that came with a payment; `undefined` where none did, or where the client sent the declaration back
 * unchanged, as clients that sign no permit do.
 */
export function readEip2612Permit(extensions: JsonObject | undefined): Eip2612Permit | 'malformed' | undefined {
  const extension = extensions?.[EIP2612_GAS_SPONSORING];
  const info = isJsonObject(extension) ? extension['info'] : undefined;
  if (!isJsonObject(info) || info['signature'] === undefined) return undefined;
  const from = parseAddress(info['from']);
  const asset = parseAddress(info['asset']);
  const spender = parseAddress(info['spender']);
  const value = parseAmount(info['amount']);
  const deadline = parseAmount(info['deadline']);
  const signature = parseHex(info['signature']);
  if (from === undefined || asset === undefined || spender === undefined) return 'malformed';
  if (value === undefined || deadline === undefined || signature?.length !== SIGNATURE_LENGTH) return 'malformed';
  const v = Number.parseInt(signature.slice(130), 16);
  return {
    from,
    asset,
    spender,
    value,
    deadline,
    r: `0x${signature.slice(2, 66)}`,
    s: `0x${signature.slice(66, 130)}`,
    v,
  };
}
