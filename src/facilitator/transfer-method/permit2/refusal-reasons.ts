import type { RefusalReasons } from '../transfer-method.ts';

/** Source: @x402/evm 2.27 `exact/facilitator`, read in its code. Other schemes over Permit2 have these reasons, too. */
export const PERMIT2_REFUSALS: RefusalReasons = {
  // `verifyPermit2`, which `settlePermit2` calls first
  beforeSending: [
    'invalid_permit2_recipient_mismatch',
    'invalid_permit2_signature',
    'invalid_permit2_spender',
    'permit2_allowance_required',
    'permit2_amount_mismatch',
    'permit2_deadline_expired',
    'permit2_insufficient_balance',
    'permit2_not_yet_valid',
    'permit2_proxy_not_deployed',
    'permit2_token_mismatch',
  ],
  // After sending, or of a permit that this very payment may have used.
  undecided: [
    'erc20_approval_broadcast_failed',
    'erc20_approval_tx_failed',
    'permit2_2612_amount_mismatch',
    'permit2_invalid_amount',
    'permit2_invalid_destination',
    'permit2_invalid_nonce',
    'permit2_invalid_owner',
    'permit2_payment_too_early',
    // `permit2.ts` gives it when the simulation reverts, as it does for a permit that this payment used
    'permit2_simulation_failed',
  ],
};
