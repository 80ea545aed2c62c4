import type { RefusalReasons } from '../transfer-method.ts';

/** Source: @x402/evm 2.27 `exact/facilitator` and `exact/v1/facilitator`, read in their code. */
export const EIP3009_REFUSALS: RefusalReasons = {
  // `verifyEIP3009`, which `settleEIP3009` calls first. Its `parseEip3009TransferError` gives the reasons of the clock,
  // the balance and the signature only for a call that reverts when it is estimated, which is not sent.
  beforeSending: [
    'asset_not_deployed_contract',
    'eip6492_factory_not_allowed',
    'invalid_exact_evm_authorization_value',
    'invalid_exact_evm_eip3009_not_supported',
    'invalid_exact_evm_failed_to_parse_signature',
    'invalid_exact_evm_insufficient_balance',
    'invalid_exact_evm_missing_eip712_domain',
    'invalid_exact_evm_network_mismatch',
    'invalid_exact_evm_recipient_mismatch',
    'invalid_exact_evm_scheme',
    'invalid_exact_evm_signature',
    'invalid_exact_evm_token_name_mismatch',
    'invalid_exact_evm_token_version_mismatch',
    'unsupported_payload_type',
  ],
  // After sending, or of an authorization that this very payment may have used.
  undecided: [
    'invalid_exact_evm_nonce_already_used',
    'invalid_exact_evm_transaction_failed',
    'invalid_exact_evm_transaction_simulation_failed',
    'invalid_exact_evm_transfer_event_mismatch',
    'smart_wallet_deployment_failed',
  ],
};
