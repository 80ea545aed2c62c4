import type { Brand } from '../domain/brand.ts';

/** An account or contract on an EVM chain: `0x` and 40 lower-case hex digits. Casing carries no meaning here. */
export type Address = Brand<`0x${string}`, 'Address'>;

/** Bytes as `0x` and lower-case hex digits, two per byte. */
export type Hex = `0x${string}`;

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const BYTES = /^0x(?:[0-9a-fA-F]{2})*$/;

/** Reads an address in any casing. */
export function parseAddress(text: unknown): Address | undefined {
  return typeof text === 'string' && ADDRESS.test(text) ? (text.toLowerCase() as Address) : undefined;
}

/** Reads `0x`-prefixed bytes; `length` in bytes asks for exactly that many. */
export function parseHex(text: unknown, length?: number): Hex | undefined {
  if (typeof text !== 'string' || !BYTES.test(text)) return undefined;
  if (length !== undefined && text.length !== 2 + 2 * length) return undefined;
  return text.toLowerCase() as Hex;
}
