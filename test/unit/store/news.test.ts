import { describe, expect, it } from 'vitest';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import type { Webhook } from '../../../src/domain/webhook.ts';
import type { Transition } from '../../../src/store/ledger.ts';
import { withNews } from '../../../src/store/news.ts';
import { freshRow, NOW, paymentClaim, SETTLEMENT } from '../../contract/ledger-scene.ts';

const MINUTE = 60_000;
const ALL: Webhook = { id: 'all', url: 'https://a.example/', secret: 'x', routes: undefined };
const WEATHER: Webhook = { ...ALL, id: 'weather', routes: ['weather'] };
const JOBS: Webhook = { ...ALL, id: 'jobs', routes: ['jobs'] };

function newsOf(step: Transition, before: Partial<PaymentRecord> = {}, now = NOW, hooks = [ALL, WEATHER, JOBS]) {
  const record = { ...freshRow(paymentClaim({ state: 'settling' }), 1, NOW), ...before };
  return withNews(step, record, hooks, now).news;
}

describe('the webhook event of a step', () => {
  it.each([
    'delivering',
    'delivered',
    'undelivered',
    'delivered_in_part',
    'delivery_unknown',
  ] as const)('reports that the money moved, when the step leads to %s with a settlement, to the receivers of its route', (to) => {
    expect(newsOf({ to, settlement: SETTLEMENT })).toEqual({ type: 'payment.settled', hooks: ['all', 'weather'] });
  });

  it('is sent once: a settlement that is written again has none', () => {
    expect(newsOf({ to: 'delivered', settlement: SETTLEMENT }, { settledAt: NOW })).toBeUndefined();
    expect(newsOf({ to: 'delivered' }, { state: 'delivering', settledAt: NOW })).toBeUndefined();
  });

  it('reports an answer on credit that was never paid', () => {
    expect(newsOf({ to: 'defaulted' })?.type).toBe('payment.defaulted');
  });

  it('reports a settlement in doubt, at the first look after a quarter of an hour, and at no other', () => {
    const looks = Array.from({ length: 20 }, (_, minute) => minute);
    const told = looks.filter((minute) => {
      const changedAt = NOW + Math.max(0, minute - 1) * MINUTE;
      return newsOf({ to: 'unknown' }, { changedAt }, NOW + minute * MINUTE)?.type === 'settlement.unknown';
    });
    expect(told).toEqual([15]);
  });

  it('does not exist for any other step, or without a receiver', () => {
    for (const to of ['forwarding', 'settling', 'owed', 'released', 'failed'] as const) {
      expect(newsOf({ to })).toBeUndefined();
    }
    expect(newsOf({ to: 'delivered', settlement: SETTLEMENT }, {}, NOW, [])).toBeUndefined();
    expect(newsOf({ to: 'delivered', settlement: SETTLEMENT }, {}, NOW, [JOBS])).toBeUndefined();
  });

  it('leaves the step unchanged', () => {
    const step = { to: 'delivered', settlement: SETTLEMENT, checkAt: 7 } as const;
    const record = freshRow(paymentClaim({ state: 'settling' }), 1, NOW);
    expect(withNews(step, record, [ALL], NOW)).toMatchObject(step);
    expect(withNews(step, record, [], NOW)).toBe(step);
  });
});
