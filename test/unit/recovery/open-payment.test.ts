import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError } from '../../../src/domain/gateway-error.ts';
import { encodeEvidence } from '../../../src/domain/payment-evidence.ts';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import type { SettlementOutcome } from '../../../src/domain/settlement.ts';
import type { AskingOrder, Facilitator } from '../../../src/facilitator/facilitator.ts';
import { type Resolver, stepBySettling } from '../../../src/recovery/open-payment.ts';
import { freshRecord } from '../../../src/store/record.ts';
import { EXPIRES_AT, NOW, paymentClaim } from '../../contract/ledger-scene.ts';
import { scriptedPayment } from '../../support/scripted-facilitator.ts';

/** Steps of an answer on credit: what is asked for again, and until when. */

const EVIDENCE = encodeEvidence({ payment: scriptedPayment(2), repeatable: true, settle: 'deferred' });
const POOR = { kind: 'failed', reason: 'insufficient_funds' } as const;

function debt(changed: Partial<PaymentRecord>): PaymentRecord {
  return {
    ...freshRecord(paymentClaim({ evidence: EVIDENCE }), 1, NOW),
    state: 'settling',
    deliveries: 1,
    checks: 1,
    ...changed,
  };
}

function facilitatorThat(settle: (asking: AskingOrder | undefined) => SettlementOutcome): Facilitator {
  const refuse = (): never => {
    throw new Error('a debt is only settled');
  };
  return {
    name: 'local',
    supported: async () => [],
    verify: refuse,
    settle: async (_payment, _amount, _journal, asking) => settle(asking),
    resolve: refuse,
    close: async () => {},
  };
}

function resolverWith(facilitator: Facilitator | undefined, now = NOW): Resolver {
  return {
    facilitator: () => facilitator,
    next: async () => undefined,
    journal: async () => {},
    now,
    signal: () => new AbortController().signal,
  };
}

describe('a debt that its payer cannot pay', () => {
  it.each([
    ['went out whole', { answered: true }],
    ['was left by its buyer and cannot be given again', { leftEarly: true }],
  ])('is asked for again where the answer %s', async (_how, had) => {
    const step = await stepBySettling(debt(had), resolverWith(facilitatorThat(() => POOR)));
    expect(step).toEqual({ to: 'defaulted', reason: 'insufficient_funds', checkAt: NOW + 2000 });
  });

  it('is not asked for again where the answer broke off: its buyer is told to pay anew', async () => {
    const step = await stepBySettling(debt({}), resolverWith(facilitatorThat(() => POOR)));
    expect(step).toEqual({ to: 'defaulted', reason: 'insufficient_funds', checkAt: 0 });
  });

  it('is not asked for again once its payment has ended', async () => {
    const late = resolverWith(
      facilitatorThat(() => POOR),
      EXPIRES_AT * 1000,
    );
    expect(await stepBySettling(debt({ answered: true }), late)).toMatchObject({ to: 'defaulted', checkAt: 0 });
  });
});

describe('a debt of which nothing was sent', () => {
  const declining = facilitatorThat(() => {
    throw new GatewayError('facilitator_overloaded');
  });
  const unreached = facilitatorThat(() => ({ kind: 'failed', reason: 'facilitator_unreachable' }));
  const causes: readonly (readonly [ErrorCode | 'facilitator_not_configured', Facilitator | undefined])[] = [
    ['facilitator_overloaded', declining],
    ['facilitator_unreachable', unreached],
    ['facilitator_not_configured', undefined],
  ];

  it.each(causes)('stays owed for %s while its payment lives, and is defaulted after that', async (reason, by) => {
    const last = EXPIRES_AT * 1000 - 1;
    for (const had of [{ answered: true }, {}]) {
      const owed = { to: 'owed', reason, checkAt: last + 2000 };
      expect(await stepBySettling(debt(had), resolverWith(by, last))).toEqual(owed);
      const lost = { to: 'defaulted', reason, checkAt: 0 };
      expect(await stepBySettling(debt(had), resolverWith(by, last + 1))).toEqual(lost);
    }
  });

  it('is asked for as the first time, and from then on as again', async () => {
    const seen: (AskingOrder | undefined)[] = [];
    const by = facilitatorThat((asking) => {
      seen.push(asking);
      return POOR;
    });
    await stepBySettling(debt({}), resolverWith(by));
    await stepBySettling(debt({ attempt: { transaction: '', data: '{}' } }), resolverWith(by));
    expect(seen).toEqual(['first', 'again']);
  });
});
