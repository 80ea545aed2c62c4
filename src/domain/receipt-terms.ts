/** How offers and receipts are signed. */
export interface ReceiptTerms {
  /** JSON Web Signatures by Ed25519, whose key `did:web` names. */
  readonly format: 'jws';
}
