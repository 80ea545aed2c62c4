/*
 * The meaning of the schemes' reasons beyond the refusal: how long a reason holds, and whether money may have moved
 * already. The names are those of the specifications and of the official facilitator code.
 */

/** A nonce that is gone on the chain: used, or cancelled. */
const GONE: readonly string[] = ['invalid_exact_evm_nonce_already_used', 'permit2_invalid_nonce'];

/**
 * Reasons for which no other cause is left than that the payment was used, or a rare one. The official facilitator never
 * asks for the nonce of a permit: it looks at the money and the approval, and calls all else a failed simulation.
 */
const LIKELY_GONE: ReadonlySet<string> = new Set(['permit2_simulation_failed']);

/**
 * Reasons which mean that the payment was used, or that it cannot be made: only the chain can tell. A permit that
 * somebody else has sent took the money and the approval with it, and both are looked at before the nonce.
 */
const MAY_BE_GONE: ReadonlySet<string> = new Set([
  'invalid_exact_svm_transaction_simulation_failed',
  'invalid_exact_svm_verification_failed',
  'permit2_insufficient_balance',
  'permit2_allowance_required',
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

/** Reasons that go away with money. One that may be {@link MAY_BE_GONE} is not here: the chain is asked each time. */
const CURABLE: ReadonlySet<string> = new Set(['invalid_exact_evm_insufficient_balance', 'insufficient_funds']);

/** The state of the authorization on the chain, by a reason: `gone` is used or cancelled. */
export function useByReason(reason: string): 'gone' | 'likely_gone' | 'may_be_gone' | undefined {
  if (GONE.includes(reason)) return 'gone';
  if (LIKELY_GONE.has(reason)) return 'likely_gone';
  return MAY_BE_GONE.has(reason) ? 'may_be_gone' : undefined;
}

/** For how long a reason holds: `lasting` for ever, `curable` until the payer has more money; `undefined` is not known. */
export function durationOf(reason: string): 'lasting' | 'curable' | undefined {
  if (LASTING.has(reason)) return 'lasting';
  return CURABLE.has(reason) ? 'curable' : undefined;
}
