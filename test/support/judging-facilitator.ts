import type { Amount } from '../../src/domain/amount.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import type { Journal, Verification } from '../../src/facilitator/facilitator.ts';
import { TallyFacilitator } from '../extension/tally-facilitator.ts';

/** A facilitator that judges payments as it is told, and takes them unverified. */
export class JudgingFacilitator extends TallyFacilitator {
  /** What it was asked for, in the order of arrival. */
  readonly calls: ('verify' | 'settle')[] = [];
  /** Whether it takes payments that it has not verified. */
  takes = true;
  /** What it says next of payments, before it finds them good again; a fault is thrown. */
  readonly verdicts: (Verification | Error)[] = [];
  /** When it says so. Default: at once. */
  verifiesAfter: Promise<void> = Promise.resolve();
  /** What it makes next of settlements, before it settles again; a fault is thrown. */
  readonly outcomes: (SettlementOutcome | Error)[] = [];

  takeUnverified(_payment: Payment): boolean {
    return this.takes;
  }

  override async verify(payment: Payment): Promise<Verification> {
    this.calls.push('verify');
    await this.verifiesAfter;
    const verdict = this.verdicts.shift();
    if (verdict instanceof Error) throw verdict;
    return verdict ?? (await super.verify(payment));
  }

  override async settle(payment: Payment, amount: Amount, journal: Journal): Promise<SettlementOutcome> {
    this.calls.push('settle');
    const outcome = this.outcomes.shift();
    if (outcome === undefined) return await super.settle(payment, amount, journal);
    await journal({ transaction: '', data: '' });
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }
}
