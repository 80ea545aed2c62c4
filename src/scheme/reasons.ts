/*
 * The meaning of the schemes' reasons beyond the refusal: how long a reason holds, and whether money may have moved
 * already. The names are those of the specifications and of the official facilitator code.
 */

/** A nonce that is gone on the chain: used, or cancelled. */
const GONE: readonly string[] = ['invalid_exact_evm_nonce_already_used', 'permit2_invalid_nonce'];

/** Reasons which mean that the payment was used, or that it cannot be made: only the chain can tell. */
const MAY_BE_GONE: ReadonlySet<string> = new Set([
  'invalid_exact_svm_transaction_simulation_failed',
  'invalid_exact_svm_verification_failed',
]);

/** Reasons that lie in what was signed: the same payment is never good again. */
const LASTING: ReadonlySet<string> = new Set([
  ...GONE,
  'invalid_exact_evm_signature',
  'invalid_exact_evm_recipient_mismatch',
  'invalid_exact_evm_payload_authorization_value_mismatch',
  'invalid_exact_evm_payload_authorization_valid_before',
  'invalid_permit2_signature',
  'invalid_permit2_spender',
  'invalid_permit2_recipient_mismatch',
  'permit2_amount_mismatch',
  'permit2_token_mismatch',
  'permit2_deadline_expired',
  'unsupported_payload_type',
  'eip6492_factory_not_allowed',
]);

/** Reasons that go away with money. */
const CURABLE: ReadonlySet<string> = new Set([
  'invalid_exact_evm_insufficient_balance',
  'permit2_insufficient_balance',
  'insufficient_funds',
]);

/** The state of the authorization on the chain, by a reason: `gone` is used or cancelled. */
export function useByReason(reason: string): 'gone' | 'may_be_gone' | undefined {
  if (GONE.includes(reason)) return 'gone';
  return MAY_BE_GONE.has(reason) ? 'may_be_gone' : undefined;
}

/** For how long a reason holds: `lasting` for ever, `curable` until the payer has more money; `undefined` is not known. */
export function durationOf(reason: string): 'lasting' | 'curable' | undefined {
  if (LASTING.has(reason)) return 'lasting';
  return CURABLE.has(reason) ? 'curable' : undefined;
}
