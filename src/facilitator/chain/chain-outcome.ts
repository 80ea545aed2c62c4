import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Hex } from '../../evm/address.ts';
import type { TransferFacts } from '../transfer-method/transfer-facts.ts';

/** This very transfer was made with this transaction. */
export function settledWith(
  { payer, amount }: Pick<TransferFacts, 'payer' | 'amount'>,
  transaction: Hex,
): SettlementOutcome {
  return { kind: 'settled', settlement: { transaction, payer, amount: amount } };
}

/** The outcome is not known yet; `transaction` is the one that may decide it. */
export function pending(transaction?: Hex, reason = 'settlement_pending'): SettlementOutcome {
  return { kind: 'unknown', reason, ...(transaction === undefined ? {} : { transaction }) };
}
