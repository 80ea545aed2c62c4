import hashes from 'hash-wasm/dist/keccak.umd.min.js';

/** Keccak-256 of some bytes: 32 bytes. Synchronous, and not re-entrant. */
export type Keccak256 = (bytes: Uint8Array) => Uint8Array;

/** Loads the WebAssembly hash once; reusing one instance is some 25 times faster than the pure JavaScript hash. */
export async function loadKeccak256(): Promise<Keccak256> {
  const hasher = await hashes.createKeccak(256);
  return (bytes) => hasher.init().update(bytes).digest('binary');
}
