/*
 * What facilitators write as `errorReason` and `invalidReason`, in one table. A reason that is not in it, or that is not
 * of the form `[a-z0-9_]{1,96}`, reaches no buyer: some facilitators put the message of a library there, which holds the
 * URL of their node and often the key in it.
 *
 * Sources, read in their code:
 * - evm: the reasons of each `TransferMethod`
 * - svm: @x402/svm 2.27 `exact/facilitator`
 * - spec: x402 core specification v2 §9, and `specs/schemes/exact`
 * - cdp: the error codes in the Coinbase Developer Platform's API schemas
 * - x402-rs: `PaymentVerificationError` of x402-rs 2
 */

import { textForLog } from '../../domain/text-for-log.ts';
import { METHOD_REFUSALS } from '../transfer-method/transfer-methods.ts';

/** A reason's own name, by the other names that facilitators have for it. */
const SAME_AS: ReadonlyMap<string, string> = new Map([
  // cdp
  ...Object.entries({
    authorization_from_address_kyt: 'kyt_risk_detected',
    authorization_to_address_kyt: 'kyt_risk_detected',
    authorization_typed_data_message: 'invalid_payload',
    authorization_value_too_low: 'amount_too_low',
    signature_address: 'invalid_exact_evm_payload_signature',
  }).map(([name, own]) => [`invalid_exact_evm_payload_${name}`, own] as const),
  ...Object.entries({
    allowance_required: 'permit2_allowance_required',
    amount: 'permit2_amount_mismatch',
    deadline: 'permit2_deadline_expired',
    recipient: 'invalid_permit2_recipient_mismatch',
    signature: 'invalid_permit2_signature',
    spender: 'invalid_permit2_spender',
    valid_after: 'permit2_not_yet_valid',
  }).map(([name, own]) => [`invalid_exact_evm_permit2_payload_${name}`, own] as const),
  ...Object.entries({
    // cdp, and facilitators of x402 version 1
    invalid_exact_svm_payload_transaction_simulation_failed: 'invalid_exact_svm_transaction_simulation_failed',
    // x402-rs
    accepted_requirements_mismatch: 'invalid_payment_requirements',
    invalid_payment_early: 'invalid_exact_evm_payload_authorization_valid_after',
    invalid_payment_expired: 'invalid_exact_evm_payload_authorization_valid_before',
    unsupported_chain: 'invalid_network',
  }),
]);

/** The form of a reason that may be passed on. */
const FORM = /^[a-z0-9_]{1,96}$/;

/**
 * Checks of the payment that are made before anything is sent. A `/settle` that is refused for one of these moved
 * nothing and will not. Reasons that also come after sending are not here, whatever their names say.
 */
const BEFORE_SENDING = [
  // spec: checks of the payload, of our own requirement, and of the payer's balance
  'insufficient_funds',
  'invalid_network',
  'invalid_payload',
  'invalid_payment_requirements',
  'invalid_scheme',
  'invalid_x402_version',
  'unsupported_scheme',
  'invalid_exact_evm_payload_authorization_valid_after',
  'invalid_exact_evm_payload_authorization_valid_before',
  'invalid_exact_evm_payload_authorization_value',
  'invalid_exact_evm_payload_authorization_value_mismatch',
  'invalid_exact_evm_payload_recipient_mismatch',
  'invalid_exact_evm_payload_signature',
  // svm: what `verify` reads of the transaction alone, which `settle` does first
  'invalid_exact_svm_payload_transaction_could_not_be_decoded',
  'invalid_exact_svm_fee_payer_mismatch',
  'invalid_exact_svm_payload_signature_invalid',
  'invalid_exact_svm_payload_transaction_instructions_length',
  'invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction',
  'invalid_exact_svm_payload_transaction_instructions_compute_price_instruction',
  'invalid_exact_svm_payload_transaction_instructions_compute_price_instruction_too_high',
  'invalid_exact_svm_payload_no_transfer_instruction',
  'invalid_exact_svm_payload_mint_mismatch',
  'invalid_exact_svm_payload_recipient_mismatch',
  'invalid_exact_svm_payload_amount_mismatch',
  'invalid_exact_svm_payload_unknown_fourth_instruction',
  'invalid_exact_svm_payload_unknown_fifth_instruction',
  'invalid_exact_svm_payload_unknown_sixth_instruction',
  'invalid_exact_svm_payload_unknown_seventh_instruction',
  'invalid_exact_svm_unsupported_scheme',
  'invalid_exact_svm_network_mismatch',
  'invalid_exact_svm_payload_missing_fee_payer',
  'invalid_exact_svm_fee_payer_not_managed_by_facilitator',
  'invalid_exact_svm_payload_transaction',
  'invalid_exact_svm_payload_excessive_signers',
  'invalid_exact_svm_payload_transaction_fee_payer_transferring_funds',
  // cdp, and facilitators of x402 version 1: what a node says before anything is sent
  'invalid_exact_svm_payload_transaction_fee_payer_included_in_instruction_accounts',
  'invalid_exact_svm_payload_transaction_receiver_ata_not_found',
  'invalid_exact_svm_payload_transaction_sender_ata_not_found',
  // cdp: its own rules, which it checks first
  'amount_too_low',
  'invalid_bazaar_extension',
  'kyt_risk_detected',
  'permit2_disabled',
  'request_blocked_by_location',
  'self_send_not_allowed',
  ...METHOD_REFUSALS.flatMap(({ beforeSending }) => beforeSending),
];

/** Known reasons that do not say that nothing was sent: the buyer may read them, and they decide nothing. */
const UNDECIDED = [
  // spec
  'duplicate_settlement',
  'invalid_transaction_state',
  'settlement_pending',
  'unexpected_settle_error',
  'unexpected_verify_error',
  // svm: also of a transaction that is on the chain already, or on its way
  'invalid_exact_svm_transaction_simulation_failed',
  'invalid_exact_svm_transaction_failed',
  'invalid_exact_svm_verification_failed',
  // cdp
  'preflight_validation_failed',
  'settle_exact_evm_transaction_confirmation_timed_out',
  'settle_exact_failed_onchain',
  'settle_exact_node_failure',
  'settle_exact_svm_block_height_exceeded',
  'settle_exact_svm_transaction_confirmation_timed_out',
  'unknown_error',
  ...METHOD_REFUSALS.flatMap(({ undecided }) => undecided),
];

const DEFINITE: ReadonlySet<string> = new Set(BEFORE_SENDING);
const KNOWN: ReadonlySet<string> = new Set([...BEFORE_SENDING, ...UNDECIDED]);

/** Whether this reason of a refused `/settle` means that nothing was sent and nothing will be. */
export function isBeforeSending(reason: string): boolean {
  return DEFINITE.has(reason);
}

/**
 * A facilitator's reason as it may reach a buyer, by its own name; `otherwise` for one that is unknown or of another
 * form.
 */
export function relayedReason(reason: string | undefined, otherwise: string): string {
  if (reason === undefined || !FORM.test(reason)) return otherwise;
  const own = SAME_AS.get(reason) ?? reason;
  return KNOWN.has(own) ? own : otherwise;
}

/**
 * The facilitator's own text, for the operator's log, without what may be a key; `undefined` where {@link relayedReason}
 * tells all of it.
 */
export function loggedReason(reason: string | undefined, message: string | undefined): string | undefined {
  const unknown = reason !== undefined && relayedReason(reason, '') === '' ? reason : undefined;
  const text = [unknown, message].filter((part) => part !== undefined && part !== '').join(': ');
  return text === '' ? undefined : textForLog(text);
}
