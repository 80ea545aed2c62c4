import type { JsonObject } from '../../domain/x402.ts';
import { type Hex, parseHex } from '../../evm/address.ts';

/**
 * When a settlement was asked for of which nothing had checked before that the authorization was unused: a transfer from
 * before then belongs to another purchase. Said by the chain's own clock, because the gateway's may be wrong.
 */
export type AskedAt =
  /** The newest block that our node had before the request. All up to it was there before. */
  | { readonly kind: 'block'; readonly number: bigint; readonly hash: Hex }
  /** Unix seconds of the newest block, less the time since the request. */
  | { readonly kind: 'time'; readonly seconds: number }
  /** No node could be asked then. */
  | { readonly kind: 'unmarked' };

/** Encodes it for the ledger. */
export function encodeAskedAt(asked: AskedAt): JsonObject {
  switch (asked.kind) {
    case 'block':
      return { block: String(asked.number), hash: asked.hash };
    case 'time':
      return { mayBeForeign: true, seconds: asked.seconds };
    case 'unmarked':
      return { mayBeForeign: true };
  }
}

/** What {@link encodeAskedAt} wrote down; `undefined` where the authorization was checked before. */
export function decodeAskedAt({ block, hash, mayBeForeign, seconds }: JsonObject): AskedAt | undefined {
  const bytes = parseHex(hash, 32);
  if (bytes !== undefined && typeof block === 'string' && /^[0-9]{1,20}$/.test(block)) {
    return { kind: 'block', number: BigInt(block), hash: bytes };
  }
  if (mayBeForeign !== true) return undefined;
  return typeof seconds === 'number' ? { kind: 'time', seconds } : { kind: 'unmarked' };
}
