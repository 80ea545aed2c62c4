import type { Address } from './address.ts';
import type { Keccak256 } from './keccak.ts';

/** Recovers the signer: the account of a 65-byte signature over a 32-byte digest. */
export interface SignerRecovery {
  /** Which implementation is in use. */
  readonly engine: 'native' | 'wasm';
  /** The signer's address, or `undefined` for a signature that no key made or that a token would reject. */
  recover(digest: Uint8Array, signature: Uint8Array): Address | undefined;
}

/** An uncompressed public key (65 bytes) from `r || s`; throws or returns `undefined` where there is none. */
type RecoverKey = (digest: Uint8Array, compact: Uint8Array, recoveryId: 0 | 1) => Uint8Array | undefined;

/** Half the order of secp256k1: an `s` above it is the malleable twin, which FiatToken and OpenZeppelin refuse. */
const HALF_ORDER = Uint8Array.from(
  Buffer.from('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0', 'hex'),
);

/**
 * Loads the fastest recovery this machine has: the native library where its package brings a binary, else WebAssembly.
 * `secp256k1`'s own entry point is avoided, because it would silently fall back to slow JavaScript.
 */
export async function loadSignerRecovery(
  keccak256: Keccak256,
  engines: readonly SignerRecovery['engine'][] = ['native', 'wasm'],
): Promise<SignerRecovery> {
  for (const engine of engines) {
    const recoverKey = engine === 'native' ? await loadNative() : await loadWasm();
    if (recoverKey !== undefined) return { engine, recover: recoverWith(recoverKey, keccak256) };
  }
  throw new Error(`none of these secp256k1 engines loads here: ${engines.join(', ')}`);
}

function recoverWith(recoverKey: RecoverKey, keccak256: Keccak256): SignerRecovery['recover'] {
  return (digest, signature) => {
    const recoveryId = acceptableRecoveryId(signature);
    if (recoveryId === undefined) return undefined;
    let key: Uint8Array | undefined;
    try {
      key = recoverKey(digest, signature.subarray(0, 64), recoveryId);
    } catch {
      return undefined; // r or s out of range: no key made this signature
    }
    if (key === undefined) return undefined;
    return `0x${Buffer.from(keccak256(key.subarray(1)).subarray(12)).toString('hex')}` as Address;
  };
}

/**
 * 65 bytes, low `s`, `v` of 27 or 28: the form that tokens accept. Other forms verify here, but tokens revert on them.
 */
function acceptableRecoveryId(signature: Uint8Array): 0 | 1 | undefined {
  const v = signature[64];
  if (signature.length !== 65 || (v !== 27 && v !== 28)) return undefined;
  if (Buffer.compare(signature.subarray(32, 64), HALF_ORDER) > 0) return undefined;
  return v === 27 ? 0 : 1;
}

async function loadNative(): Promise<RecoverKey | undefined> {
  try {
    const { default: secp256k1 } = await import('secp256k1/bindings.js');
    return (digest, compact, recoveryId) => secp256k1.ecdsaRecover(compact, recoveryId, digest, false);
  } catch {
    return undefined; // no prebuilt binary for this platform
  }
}

async function loadWasm(): Promise<RecoverKey> {
  const { instantiateSecp256k1 } = await import('@bitauth/libauth');
  const secp256k1 = await instantiateSecp256k1();
  return (digest, compact, recoveryId) => {
    const key = secp256k1.recoverPublicKeyUncompressed(compact, recoveryId, digest);
    return typeof key === 'string' ? undefined : key;
  };
}
