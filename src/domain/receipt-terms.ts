/** How offers and receipts are signed. */
export interface ReceiptTerms {
  /**
   * - `jws`: JSON Web Signatures by Ed25519.
   * - `eip712`: typed data of EVM chains; for all other chains as with `jws`.
   *
   * `did:web` names the keys of both.
   */
  readonly format: 'jws' | 'eip712';
  /**
   * Secrets that keys are made from, base64url, newest first: the first signs, all are published. Default: the store's.
   */
  readonly keys: readonly string[];
}
