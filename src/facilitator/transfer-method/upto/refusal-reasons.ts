import type { RefusalReasons } from '../transfer-method.ts';

/** Source: @x402/evm 2.27 `upto/facilitator`, read in its code. */
export const UPTO_REFUSALS: RefusalReasons = {
  // `verifyUptoPermit2`, which `settleUptoPermit2` calls first
  beforeSending: [
    'invalid_upto_evm_network_mismatch',
    'invalid_upto_evm_payload_settlement_exceeds_amount',
    'invalid_upto_evm_scheme',
    'upto_amount_exceeds_permitted',
    'upto_facilitator_mismatch',
    'upto_settlement_exceeds_amount',
    'upto_unauthorized_facilitator',
  ],
  undecided: ['invalid_upto_evm_transaction_failed'],
};
