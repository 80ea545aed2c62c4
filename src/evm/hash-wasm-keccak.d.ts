/** Keccak alone; the package's entry point holds every hash it knows, 280 kB of them. */
declare module 'hash-wasm/dist/keccak.umd.min.js' {
  import type { createKeccak } from 'hash-wasm';
  const keccak: { readonly createKeccak: typeof createKeccak };
  export default keccak;
}
