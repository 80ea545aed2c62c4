import type { PaymentClaim, PaymentRecord } from '../domain/payment-record.ts';
import { isClaimable } from '../domain/payment-state.ts';
import type { Transition } from './ledger.ts';

/** The row of a payment that was just claimed; `changedAt` in Unix milliseconds. */
export function freshRecord(claim: PaymentClaim, epoch: number, changedAt: number): PaymentRecord {
  return {
    ...claim,
    epoch,
    settlement: undefined,
    settledAt: undefined,
    asked: undefined,
    usage: undefined,
    attempt: undefined,
    bodyDigest: undefined,
    answered: false,
    leftEarly: false,
    deliveries: 0,
    checks: 0,
    checkAt: 0,
    reason: undefined,
    changedAt,
    resolution: undefined,
  };
}

/** The row after a step; facts that the step leaves out stay as they are. */
export function steppedRecord(row: PaymentRecord, step: Transition, changedAt: number): PaymentRecord {
  const checkAt = step.checkAt ?? row.checkAt;
  return {
    ...row,
    state: step.to,
    epoch: row.epoch + 1,
    owner: step.owner ?? row.owner,
    facilitator: step.facilitator ?? row.facilitator,
    settlement: step.settlement ?? row.settlement,
    settledAt: row.settledAt ?? (step.settlement === undefined ? undefined : changedAt),
    asked: row.asked ?? step.asked,
    usage: row.usage ?? step.usage,
    attempt: step.attempt ?? row.attempt,
    bodyDigest: step.bodyDigest ?? row.bodyDigest,
    answered: step.answered ?? row.answered,
    leftEarly: step.leftEarly ?? row.leftEarly,
    deliveries: isSending(row, step) ? row.deliveries + 1 : row.deliveries,
    evidence: (step.to === 'delivered' && checkAt === 0) || isClaimable(step.to) ? undefined : row.evidence,
    checkAt,
    reason: step.reason,
    changedAt,
  };
}

/** Whether a step sends the answer out: to its buyer, or on credit. */
function isSending({ state }: PaymentRecord, { to }: Transition): boolean {
  return to === 'delivering' || to === 'uncharged' || (to === 'owed' && state === 'forwarding');
}
