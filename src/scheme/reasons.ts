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
 * Reasons which mean that the payment was used, or that it cannot be made: only the chain can tell. A payment that
 * somebody else has sent took the money and the approval with it, and some facilitators look at both before the nonce.
 */
const MAY_BE_GONE: ReadonlySet<string> = new Set([
  'insufficient_funds',
  'invalid_exact_evm_insufficient_balance',
  'invalid_exact_svm_transaction_simulation_failed',
  'invalid_exact_svm_verification_failed',
  'permit2_insufficient_balance',
  'permit2_allowance_required',
]);

/**
 * Reasons that leave open why: checked before the nonce, or what a facilitator says in words of its own. The payment may
 * have been used; while the chain shows it unused, the refusal stands.
 */
const LEAVES_OPEN: ReadonlySet<string> = new Set([
  'duplicate_settlement',
  'invalid_exact_evm_payload_authorization_valid_before',
  'invalid_exact_evm_transaction_simulation_failed',
  'invalid_exact_svm_payload_transaction_sender_ata_not_found',
  'invalid_payload',
  'invalid_transaction_state',
  'permit2_deadline_expired',
  'preflight_validation_failed',
  'unexpected_verify_error',
  'unknown_error',
]);

/** A transaction failed, by the words of any scheme: it leaves open why, too. */
const FAILED_TRANSACTION = /^invalid_[a-z0-9_]+_transaction_failed$/;

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

/** Reasons that go away with money. They are remembered only where no chain could be asked: see {@link MAY_BE_GONE}. */
const CURABLE: ReadonlySet<string> = new Set(['invalid_exact_evm_insufficient_balance', 'insufficient_funds']);

/** What a reason says of the authorization's use on the chain: `gone` is used or cancelled. */
export type UseByReason = 'gone' | 'likely_gone' | 'may_be_gone' | 'open';

/** The state of the authorization on the chain, by a reason; `undefined` where the reason names another cause. */
export function useByReason(reason: string): UseByReason | undefined {
  if (GONE.includes(reason)) return 'gone';
  if (LIKELY_GONE.has(reason)) return 'likely_gone';
  if (MAY_BE_GONE.has(reason)) return 'may_be_gone';
  return LEAVES_OPEN.has(reason) || FAILED_TRANSACTION.test(reason) ? 'open' : undefined;
}

/** For how long a reason holds: `lasting` for ever, `curable` until the payer has more money; `undefined` is not known. */
export function durationOf(reason: string): 'lasting' | 'curable' | undefined {
  if (LASTING.has(reason)) return 'lasting';
  return CURABLE.has(reason) ? 'curable' : undefined;
}
