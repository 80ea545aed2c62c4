import { formatAmount } from '../domain/amount.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { SettleResponse } from '../domain/x402.ts';
import type { Refusal, SettlementNotice } from './refusal.ts';

/** Seconds after which it makes sense to send the same payment again. */
const RETRY_SECONDS = 2;

/** What a payment that is already in the ledger means for the request that brings it again. */
export type HeldPayment =
  | Refusal
  /** Paid and not delivered: this request may collect the answer without a new charge. */
  | { readonly kind: 'collectable'; readonly record: PaymentRecord };

/**
 * Decides what a repeated payment gets. None of these answers carries a new offer.
 *
 * @param record the ledger's row, in a state that cannot be claimed
 * @param fingerprint of the request that brings the payment now
 * @param now Unix milliseconds
 * @param retryWindowMs how long after settlement an undelivered answer can be collected
 */
export function resolveHeldPayment(
  record: PaymentRecord,
  fingerprint: string,
  now: number,
  retryWindowMs: number,
  notice: (response: SettleResponse) => SettlementNotice,
): HeldPayment {
  if (record.fingerprint !== fingerprint) return refuse('payment_bound_to_another_request');
  switch (record.state) {
    case 'reserved':
    case 'forwarding':
    case 'settling':
    case 'delivering':
      return { ...refuse('payment_in_progress'), retryAfterSeconds: RETRY_SECONDS };
    case 'unknown':
      return { ...refuse('settlement_unknown'), reason: 'settlement_pending', retryAfterSeconds: RETRY_SECONDS };
    case 'undelivered':
      if (now - record.changedAt <= retryWindowMs) return { kind: 'collectable', record };
      return withSettlement(refuse('payment_already_used'), record, notice);
    case 'delivered':
      return withSettlement(refuse('payment_already_used'), record, notice);
    case 'delivery_unknown':
      return withSettlement(refuse('delivery_unknown'), record, notice);
    case 'released':
    case 'failed':
      throw new Error(`a payment in state ${record.state} is free to be claimed, not held`);
  }
}

/** The settlement of a ledger row as the buyer reads it. */
export function settleResponseOf(record: PaymentRecord): SettleResponse | undefined {
  const { settlement } = record;
  if (settlement === undefined) return undefined;
  return {
    success: true,
    transaction: settlement.transaction,
    network: record.network,
    payer: settlement.payer,
    amount: formatAmount(settlement.amount),
    ...(settlement.extensions === undefined ? {} : { extensions: settlement.extensions }),
  };
}

function withSettlement(
  refusal: Refusal,
  record: PaymentRecord,
  notice: (response: SettleResponse) => SettlementNotice,
): Refusal {
  const response = settleResponseOf(record);
  return response === undefined ? refusal : { ...refusal, settlement: notice(response) };
}

function refuse(code: Refusal['code']): Refusal {
  return { kind: 'refusal', code, reason: code, challenge: false };
}
