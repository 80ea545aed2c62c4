import type { Occasion } from '../challenge.ts';

const BASE = 'https://paymentauth.org/problems/';

/** Reasons that this protocol adds to those of the schemes. */
export const REASONS = {
  /** The id is not ours for this route: forged, changed, of another route or realm, or of a key that is gone. */
  challenge: 'mpp_invalid_challenge',
  /** Its time is over. */
  expired: 'mpp_challenge_expired',
  /** The nonce that was signed is not the one of the challenge. */
  binding: 'mpp_challenge_hash_mismatch',
  /** The credential names another payer than signed. */
  source: 'mpp_source_mismatch',
} as const;

const TYPE_OF_REASON: Readonly<Record<string, string>> = {
  [REASONS.challenge]: 'invalid-challenge',
  [REASONS.expired]: 'payment-expired',
  invalid_exact_evm_payload_authorization_valid_before: 'payment-expired',
  invalid_exact_evm_payload_authorization_value_mismatch: 'payment-insufficient',
  invalid_exact_evm_insufficient_balance: 'payment-insufficient',
  insufficient_funds: 'payment-insufficient',
};

/**
 * The `type` of the problem document: the reason for which a price is stated.
 *
 * @see draft-httpauth-payment-00, "Error Codes"
 */
export function problemType({ code, reason }: Occasion): string {
  switch (code) {
    case 'credential_malformed':
      return `${BASE}malformed-credential`;
    case 'payment_method_unsupported':
      return `${BASE}method-unsupported`;
    case 'payment_refused':
      return BASE + (TYPE_OF_REASON[reason] ?? 'verification-failed');
    case 'settlement_failed':
      return `${BASE}verification-failed`;
    default:
      return `${BASE}payment-required`;
  }
}
