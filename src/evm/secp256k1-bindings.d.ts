/** The native half of `secp256k1`, which ships no types. Throws on import where no prebuilt binary fits. */
declare module 'secp256k1/bindings.js' {
  interface Secp256k1Bindings {
    /** Recovers a public key from `r || s` (64 bytes); throws where there is none. */
    ecdsaRecover(signature: Uint8Array, recoveryId: number, message: Uint8Array, compressed: boolean): Uint8Array;
  }
  const bindings: Secp256k1Bindings;
  export default bindings;
}
