import { describe, expect, it } from 'vitest';
import { durationOf, useByReason } from '../../../src/scheme/reasons.ts';

describe('the meaning of a reason', () => {
  it('of a used nonce: the payment may have been made, and never becomes valid again', () => {
    for (const reason of ['invalid_exact_evm_nonce_already_used', 'permit2_invalid_nonce']) {
      expect(useByReason(reason)).toBe('gone');
      expect(durationOf(reason)).toBe('lasting');
    }
  });

  it('of a failed simulation on Solana: only the chain knows the outcome, and the refusal is not remembered', () => {
    expect(useByReason('invalid_exact_svm_transaction_simulation_failed')).toBe('may_be_gone');
    expect(durationOf('invalid_exact_svm_transaction_simulation_failed')).toBeUndefined();
  });

  it('of a permit without money or approval: it may have been used, and the refusal is not remembered', () => {
    for (const reason of ['permit2_insufficient_balance', 'permit2_allowance_required']) {
      expect(useByReason(reason)).toBe('may_be_gone');
      expect(durationOf(reason)).toBeUndefined();
    }
  });

  it('of a permit whose simulation fails: it was used, unless the chain says otherwise', () => {
    expect(useByReason('permit2_simulation_failed')).toBe('likely_gone');
    expect(durationOf('permit2_simulation_failed')).toBeUndefined();
  });

  it('of insufficient funds: the refusal can be cured, and the payment may have taken the money itself', () => {
    for (const reason of ['insufficient_funds', 'invalid_exact_evm_insufficient_balance']) {
      expect(durationOf(reason)).toBe('curable');
      expect(useByReason(reason)).toBe('may_be_gone');
    }
  });

  it('of what is checked before the nonce, or said in words of its own: it leaves open whether the payment was used', () => {
    const reasons = ['invalid_exact_evm_payload_authorization_valid_before', 'permit2_deadline_expired'];
    for (const reason of [...reasons, 'invalid_payload', 'unexpected_verify_error']) {
      expect(useByReason(reason)).toBe('open');
    }
    expect(useByReason('invalid_exact_evm_recipient_mismatch')).toBeUndefined();
  });

  it('of an unknown one is undefined, whatever its name', () => {
    for (const reason of ['constructor', '', 'settle_error']) {
      expect(durationOf(reason)).toBeUndefined();
      expect(useByReason(reason)).toBeUndefined();
    }
  });
});
