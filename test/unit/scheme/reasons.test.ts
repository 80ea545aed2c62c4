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

  it('of insufficient funds: the refusal can be cured, and does not show that the payment was used', () => {
    expect(durationOf('insufficient_funds')).toBe('curable');
    expect(useByReason('insufficient_funds')).toBeUndefined();
  });

  it('of an unknown one is undefined, whatever its name', () => {
    for (const reason of ['constructor', '', 'settle_error']) {
      expect(durationOf(reason)).toBeUndefined();
      expect(useByReason(reason)).toBeUndefined();
    }
  });
});
