import { describe, expect, it } from 'vitest';
import { durationOf, useByReason } from '../../../src/scheme/reasons.ts';

describe('what a reason means', () => {
  it('of a nonce that is gone: the payment may have been made, and is never good again', () => {
    for (const reason of ['invalid_exact_evm_nonce_already_used', 'permit2_invalid_nonce']) {
      expect(useByReason(reason)).toBe('gone');
      expect(durationOf(reason)).toBe('lasting');
    }
  });

  it('of a simulation on Solana: only the chain tells, and nothing of it is remembered', () => {
    expect(useByReason('invalid_exact_svm_transaction_simulation_failed')).toBe('may_be_gone');
    expect(durationOf('invalid_exact_svm_transaction_simulation_failed')).toBeUndefined();
  });

  it('of what only money cures says nothing of use', () => {
    expect(durationOf('insufficient_funds')).toBe('curable');
    expect(useByReason('insufficient_funds')).toBeUndefined();
  });

  it('of one that is not known is nothing, whatever its name', () => {
    for (const reason of ['constructor', '', 'settle_error']) {
      expect(durationOf(reason)).toBeUndefined();
      expect(useByReason(reason)).toBeUndefined();
    }
  });
});
