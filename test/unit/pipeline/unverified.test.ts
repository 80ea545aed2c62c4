import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { generatePrivateKey } from 'viem/accounts';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import type { SettlementOutcome } from '../../../src/domain/settlement.ts';
import { JudgingFacilitator } from '../../support/judging-facilitator.ts';
import { encodePayment, handSigned } from '../../support/payment-header.ts';
import { type Got, openValueGatewayWith, type ValueGateway } from '../../support/value-gateway.ts';

/** Payments that a settlement decides, without a verification before it, on values. */

let gateway: ValueGateway<JudgingFacilitator>;

const ROUTES = `
routes:
  - { path: /before, price: $0.001, settle: before }
  - { path: /pass, price: $0.001, settle: before, access: { for: 1h } }
  - { path: /always, price: $0.001, settle: before, verify: always }
  - { path: /after, price: $0.001 }
  - { path: /deferred, price: $0.001, settle: deferred }
  - { path: /shadow, price: $0.001, settle: before, enforce: off }
  - path: /prices
    verify: always
    prices:
      - { when: { query: { q: a } }, price: $0.001, settle: before, verify: auto }
      - { price: $0.002, settle: before }
`;

beforeEach(async () => {
  gateway = await openValueGatewayWith(new JudgingFacilitator(), ROUTES);
  gateway.api({ body: 'worth it' });
});

type Field = readonly [name: string, value: string];

async function payment(target: string, signature?: `0x${string}`): Promise<Field> {
  const unpaid = await gateway.ask(target);
  const [accepted] = decodePaymentRequiredHeader(unpaid?.field('payment-required') ?? '').accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const signed = await handSigned(generatePrivateKey(), { ...accepted });
  return ['PAYMENT-SIGNATURE', encodePayment(signature === undefined ? signed : { ...signed, signature })];
}

async function send(target: string, field: Field): Promise<Got> {
  const got = await gateway.ask(target, { fields: [field] });
  if (got === undefined) throw new Error('nobody answered');
  return got;
}

async function buy(target: string): Promise<Got> {
  return await send(target, await payment(target));
}

/** The public code of the last request: not every body of a 402 has it. */
function lastCode(): string | undefined {
  return gateway.summaries.at(-1)?.code;
}

function offers(got: Got): boolean {
  return got.field('payment-required') !== undefined;
}

async function rows(): Promise<readonly (readonly [state: string, reason: string | undefined])[]> {
  return (await gateway.store.list({}, undefined, 10)).map(({ state, reason }) => [state, reason]);
}

describe('a payment of a plain account that is settled before the call', () => {
  it.each(['/before', '/pass', '/prices?q=a'])('is not verified: the settlement decides on %s', async (target) => {
    const got = await buy(target);
    expect([got.status, got.body]).toEqual([200, 'worth it']);
    expect(decodePaymentResponseHeader(got.field('payment-response') ?? '').success).toBe(true);
    expect(gateway.facilitator.calls).toEqual(['settle']);
    expect(await rows()).toEqual([['delivered', undefined]]);
  });

  it.each(['/always', '/prices'])('is verified where %s says always', async (target) => {
    expect((await buy(target)).status).toBe(200);
    expect(gateway.facilitator.calls).toEqual(['verify', 'settle']);
  });

  it('is settled once for any number of copies', async () => {
    const field = await payment('/before');
    const answers = await Promise.all(Array.from({ length: 50 }, () => send('/before', field)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
    expect([gateway.facilitator.calls, gateway.asked.length]).toEqual([['settle'], 1]);
  });

  it('is not settled when its client has gone', async () => {
    expect(await gateway.ask('/before', { fields: [await payment('/before')], gone: true })).toBeUndefined();
    expect([gateway.facilitator.calls, await rows()]).toEqual([[], []]);
  });
});

describe('a payment is verified', () => {
  it('where work is done before the money moves', async () => {
    expect((await buy('/after')).status).toBe(200);
    expect(gateway.facilitator.calls).toEqual(['verify', 'settle']);
    expect((await buy('/deferred')).status).toBe(200);
    expect(gateway.facilitator.calls).toEqual(['verify', 'settle', 'verify']);
  });

  it('where only the chain can judge the signature', async () => {
    expect((await send('/before', await payment('/before', `0x${'11'.repeat(65)}`))).status).toBe(200);
    expect(gateway.facilitator.calls).toEqual(['verify', 'settle']);
  });

  it('where the ledger may have forgotten it, which could be served again else', async () => {
    const field = await payment('/before');
    vi.spyOn(gateway.store, 'mayHaveForgotten').mockResolvedValue(true);
    gateway.facilitator.verdicts.push({ kind: 'invalid', reason: 'invalid_transaction_state' });
    const got = await send('/before', field);
    expect([got.status, lastCode(), offers(got)]).toEqual([409, 'payment_already_used', false]);
    expect([gateway.facilitator.calls, gateway.asked]).toEqual([['verify'], []]);
  });

  it('where the facilitator does not settle what it has not verified', async () => {
    gateway.facilitator.takes = false;
    expect((await buy('/before')).status).toBe(200);
    expect(gateway.facilitator.calls).toEqual(['verify', 'settle']);
  });

  it('where transfers that others settled are served', async () => {
    gateway = await openValueGatewayWith(new JudgingFacilitator(), `foreignTransfers: serve\n${ROUTES}`);
    expect((await buy('/before')).status).toBe(200);
    expect(gateway.facilitator.calls).toEqual(['verify', 'settle']);
  });

  it('where no client is charged yet, before it is reported as good', async () => {
    const field = await payment('/before');
    gateway.facilitator.verdicts.push({ kind: 'invalid', reason: 'insufficient_funds' });
    expect((await send('/shadow', field)).body).toBe('worth it');
    expect(gateway.facilitator.calls).toEqual(['verify']);
    expect(gateway.summaries.at(-1)?.shadow).toMatchObject({ decision: 'payment_refused' });
  });
});

describe('a settlement that refuses an unverified payment', () => {
  it('before anything was sent leads to the price again, and the API is not called', async () => {
    gateway.facilitator.outcomes.push({ kind: 'failed', reason: 'amount_too_low' });
    const field = await payment('/before');
    const refused = await send('/before', field);
    expect([refused.status, lastCode(), offers(refused)]).toEqual([402, 'settlement_failed', true]);
    const receipt = decodePaymentResponseHeader(refused.field('payment-response') ?? '');
    expect(receipt).toMatchObject({ success: false, errorReason: 'amount_too_low' });
    expect([await rows(), gateway.asked]).toEqual([[['failed', 'amount_too_low']], []]);
  });

  it('has the same payment verified when it comes again', async () => {
    gateway.facilitator.outcomes.push({ kind: 'failed', reason: 'amount_too_low' });
    const field = await payment('/before');
    await send('/before', field);
    expect((await send('/before', field)).status).toBe(200);
    expect(gateway.facilitator.calls).toEqual(['settle', 'verify', 'settle']);
  });

  it.each([
    ['lasts', 'invalid_exact_evm_signature'],
    ['a top-up cures', 'invalid_exact_evm_insufficient_balance'],
  ])('for a reason that %s costs no second call', async (_how, reason) => {
    gateway.facilitator.outcomes.push({ kind: 'failed', reason });
    const field = await payment('/before');
    await send('/before', field);
    const again = await send('/before', field);
    expect([again.status, lastCode(), offers(again)]).toEqual([402, 'payment_refused', true]);
    expect(gateway.facilitator.calls).toEqual(['settle']);
  });

  it.each([
    'invalid_exact_evm_nonce_already_used',
  ])('because the payment is used makes no offer: %s', async (reason) => {
    gateway.facilitator.outcomes.push({ kind: 'failed', reason });
    const field = await payment('/before');
    for (const _time of [1, 2]) {
      const used = await send('/before', field);
      expect([used.status, lastCode(), offers(used)]).toEqual([409, 'payment_already_used', false]);
    }
    expect([gateway.facilitator.calls, gateway.asked]).toEqual([['settle'], []]);
  });

  it('counts for its client as a refused verification does', async () => {
    gateway = await openValueGatewayWith(new JudgingFacilitator(), `limits: { refusalsPerMinute: 2 }\n${ROUTES}`);
    const doubt: SettlementOutcome = { kind: 'unknown', reason: 'unexpected_settle_error' };
    gateway.facilitator.outcomes.push({ kind: 'failed', reason: 'amount_too_low' }, doubt);
    expect([(await buy('/before')).status, (await buy('/before')).status]).toEqual([402, 503]);
    const kept = await buy('/before');
    expect([kept.status, lastCode(), offers(kept)]).toEqual([429, 'too_many_payments', false]);
    expect(gateway.facilitator.calls).toEqual(['settle', 'settle']);
  });
});

describe('a settlement of an unverified payment that leaves the money in doubt', () => {
  it.each([
    ['refuses with a reason that decides nothing', { kind: 'unknown', reason: 'invalid_exact_evm_nonce_already_used' }],
    ['is told without an outcome', { kind: 'unknown', reason: 'facilitator_invalid_answer' }],
    ['takes too long', { kind: 'unknown', reason: 'facilitator_timeout' }],
    ['breaks', new Error('a fault of ours')],
  ] as const)('makes no offer, and a repeated request settles nothing: it %s', async (_how, outcome) => {
    gateway.facilitator.outcomes.push(outcome);
    const field = await payment('/before');
    for (const _time of [1, 2]) {
      const doubtful = await send('/before', field);
      expect([doubtful.status, lastCode(), offers(doubtful)]).toEqual([503, 'settlement_unknown', false]);
      expect(doubtful.field('retry-after')).toBeDefined();
    }
    expect((await rows()).map(([state]) => state)).toEqual(['unknown']);
    expect([gateway.facilitator.calls, gateway.asked]).toEqual([['settle'], []]);
  });
});

describe('a facilitator that an unverified payment does not reach', () => {
  it.each([
    'facilitator_unreachable',
    'facilitator_timeout',
  ] as const)('leads to 503 %s without a price, and the payment stays good', async (reason) => {
    gateway.facilitator.outcomes.push({ kind: 'failed', reason });
    const field = await payment('/before');
    const away = await send('/before', field);
    expect([away.status, lastCode(), offers(away)]).toEqual([503, reason, false]);
    expect(await rows()).toEqual([['failed', reason]]);
    expect((await send('/before', field)).status).toBe(200);
  });

  it('and declines before it begins leaves the payment good', async () => {
    gateway.facilitator.outcomes.push(new GatewayError('facilitator_overloaded'));
    const field = await payment('/before');
    const declined = await send('/before', field);
    expect([declined.status, lastCode(), offers(declined)]).toEqual([503, 'facilitator_overloaded', false]);
    expect((await send('/before', field)).status).toBe(200);
  });
});
