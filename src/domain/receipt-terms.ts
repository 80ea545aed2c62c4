/** How offers and receipts are signed. */
export interface ReceiptTerms {
  /**
   * - `jws`: JSON Web Signatures by Ed25519.
   * - `eip712`: typed data of EVM chains; what is of no EVM chain is signed as `jws` says.
   *
   * `did:web` names the keys of both.
   */
  readonly format: 'jws' | 'eip712';
  /** Base64url of secrets that keys are made from, newest first: the first signs, all are published. Default: that of the store. */
  readonly keys: readonly string[];
}
