import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Hex } from '../../evm/address.ts';
import type { Transfer } from './transfer.ts';

/** Reasons of failed payments, by transfer method: the specification's own reasons where it has them. */
export const FAILURES = {
  eip3009: {
    simulation: 'invalid_exact_evm_transaction_simulation_failed',
    nonce: 'invalid_exact_evm_nonce_already_used',
  },
  permit2: { simulation: 'permit2_simulation_failed', nonce: 'permit2_invalid_nonce' },
  upto: { simulation: 'permit2_simulation_failed', nonce: 'permit2_invalid_nonce' },
} as const satisfies Record<Transfer['method'], object>;

/** This very transfer was made with this transaction. */
export function settledWith({ payer, amount }: Transfer, transaction: Hex): SettlementOutcome {
  return { kind: 'settled', settlement: { transaction, payer, amount: amount } };
}

/** The outcome is not known yet; `transaction` is the one that may decide it. */
export function pending(transaction?: Hex, reason = 'settlement_pending'): SettlementOutcome {
  return { kind: 'unknown', reason, ...(transaction === undefined ? {} : { transaction }) };
}
