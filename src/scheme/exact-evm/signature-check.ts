import type { Address, Hex } from '../../evm/address.ts';
import type { SignerRecovery } from '../../evm/signer-recovery.ts';

/**
 * The result of checking a signature without asking the chain.
 *
 * - `proved`: the account's own key made it, in the one form that tokens accept.
 * - `forged`: the account's own key made it, but in a form that tokens revert on (high `s`, `v` outside 27 and 28).
 * - `open`: only the chain can tell: it may belong to a smart account, whose signatures have any form and length.
 */
export type SignatureCheck = 'proved' | 'forged' | 'open';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Checks `signature` over `digest` against the account that is said to have made it. */
export function checkSignature(
  recovery: SignerRecovery,
  digest: Uint8Array,
  signature: Hex,
  account: Address,
): SignatureCheck {
  const bytes = Buffer.from(signature.slice(2), 'hex');
  if (recovery.recover(digest, bytes) === account) return 'proved';
  return variants(bytes).some((variant) => recovery.recover(digest, variant) === account) ? 'forged' : 'open';
}

/** The canonical forms that a malleated or loosely written signature may represent. */
function variants(bytes: Buffer): Buffer[] {
  if (bytes.length === 64) return expandCompact(bytes);
  if (bytes.length !== 65) return [];
  const r = bytes.subarray(0, 32);
  const s = BigInt(`0x${bytes.subarray(32, 64).toString('hex')}`);
  const lowS = s > ORDER / 2n && s < ORDER ? ORDER - s : s;
  const lowSBytes = Buffer.from(lowS.toString(16).padStart(64, '0'), 'hex');
  return [27, 28].map((v) => Buffer.concat([r, lowSBytes, Buffer.from([v])]));
}

/** EIP-2098 puts the parity into the top bit of `s`; tokens revert on it. */
function expandCompact(bytes: Buffer): Buffer[] {
  const s = Buffer.from(bytes.subarray(32));
  const parity = (s[0] ?? 0) >> 7;
  s[0] = (s[0] ?? 0) & 0x7f;
  return [Buffer.concat([bytes.subarray(0, 32), s, Buffer.from([27 + parity])])];
}
