import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { generatePrivateKey } from 'viem/accounts';
import { beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { JudgingFacilitator } from '../../support/judging-facilitator.ts';
import { encodePayment, handSigned } from '../../support/payment-header.ts';
import { type AskedFor, type Got, openValueGatewayWith, type ValueGateway } from '../../support/value-gateway.ts';

/** `verify: alongside`: the API works while the payment is verified, on values. */

let gateway: ValueGateway<JudgingFacilitator>;

const ROUTES = `
routes:
  - { path: /beside, price: $0.001, verify: alongside }
`;

beforeEach(async () => {
  gateway = await openValueGatewayWith(new JudgingFacilitator(), ROUTES);
  gateway.api({ body: 'worth it' });
});

type Field = readonly [name: string, value: string];

async function payment(method = 'GET', signature?: `0x${string}`): Promise<Field> {
  const unpaid = await gateway.ask('/beside', { method });
  const [accepted] = decodePaymentRequiredHeader(unpaid?.field('payment-required') ?? '').accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const signed = await handSigned(generatePrivateKey(), { ...accepted });
  return ['PAYMENT-SIGNATURE', encodePayment(signature === undefined ? signed : { ...signed, signature })];
}

async function send(field: Field, asked: Omit<AskedFor, 'fields'> = {}): Promise<Got> {
  const got = await gateway.ask('/beside', { ...asked, fields: [field] });
  if (got === undefined) throw new Error('nobody answered');
  return got;
}

function seenOf(got: Got): readonly [status: number, code: unknown, offer: boolean] {
  const offer = got.field('payment-required') !== undefined;
  const { code } = gateway.summaries.at(-1) ?? {};
  return [got.status, code, offer];
}

async function states(): Promise<readonly string[]> {
  return (await gateway.store.list({}, undefined, 10)).map(({ state }) => state);
}

/** Makes the next verification wait until the test releases it. */
function held(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  gateway.facilitator.verifiesAfter = promise;
  return resolve;
}

describe('a paid call that is made while its payment is verified', () => {
  it.each([
    'GET',
    'HEAD',
  ])('holds its answer until the verification is done, and is settled then: %s', async (method) => {
    const letGo = held();
    let isAnswered = false;
    const answering = send(await payment(method), { method }).finally(() => {
      isAnswered = true;
    });
    await expect.poll(() => gateway.asked.length).toBe(1);
    expect([await states(), gateway.facilitator.calls, isAnswered]).toEqual([['forwarding'], ['verify'], false]);
    letGo();
    const got = await answering;
    expect(seenOf(got)).toEqual([200, undefined, false]);
    expect(decodePaymentResponseHeader(got.field('payment-response') ?? '').success).toBe(true);
    expect([gateway.facilitator.calls, await states()]).toEqual([['verify', 'settle'], ['delivered']]);
  });

  it('is made and verified once for fifty copies', async () => {
    const field = await payment();
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(field)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect([gateway.facilitator.calls, gateway.asked.length]).toEqual([['verify', 'settle'], 1]);
  });

  it('is not made when its client has gone', async () => {
    expect(await gateway.ask('/beside', { fields: [await payment()], gone: true })).toBeUndefined();
    expect([gateway.facilitator.calls, gateway.asked, await states()]).toEqual([[], [], []]);
  });
});

describe('a payment that is refused while its call is made', () => {
  it.each([
    ['an answer', { body: 'worth it' }],
    ['an answer that is not charged', { status: 404, body: 'not here' }],
    ['a fault', new GatewayError('upstream_unreachable')],
  ])('gets the price and nothing of the call, whose result was %s', async (_what, answer) => {
    gateway.api(answer);
    gateway.facilitator.verdicts.push({ kind: 'invalid', reason: 'insufficient_funds' });
    const got = await send(await payment());
    expect(seenOf(got)).toEqual([402, 'payment_refused', true]);
    expect(got.field('payment-response')).toBeUndefined();
    expect([gateway.facilitator.moved, await states()]).toEqual([[], ['released']]);
  });

  it('is verified before its next call', async () => {
    const refusal = { kind: 'invalid', reason: 'unexpected_verify_error' } as const;
    gateway.facilitator.verdicts.push(refusal, refusal);
    const field = await payment();
    await send(field);
    expect(seenOf(await send(field))).toEqual([402, 'payment_refused', true]);
    expect([gateway.facilitator.calls, gateway.asked.length]).toEqual([['verify', 'verify'], 1]);
    expect(seenOf(await send(field))).toEqual([200, undefined, false]);
  });

  it('because it is used gets no offer', async () => {
    gateway.facilitator.verdicts.push({ kind: 'invalid', reason: 'invalid_exact_evm_nonce_already_used' });
    expect(seenOf(await send(await payment()))).toEqual([409, 'payment_already_used', false]);
    expect(await states()).toEqual(['released']);
  });

  it('counts for its client', async () => {
    gateway = await openValueGatewayWith(new JudgingFacilitator(), `limits: { refusalsPerMinute: 1 }\n${ROUTES}`);
    gateway.facilitator.verdicts.push({ kind: 'invalid', reason: 'insufficient_funds' });
    expect((await send(await payment())).status).toBe(402);
    expect(seenOf(await send(await payment()))).toEqual([429, 'too_many_payments', false]);
    expect(gateway.asked).toHaveLength(1);
  });
});

describe('a facilitator that cannot verify while the call is made', () => {
  it.each([
    'facilitator_unreachable',
    'facilitator_timeout',
    'facilitator_invalid_answer',
  ] as const)('causes %s, and the payment can be used again', async (code) => {
    gateway.facilitator.verdicts.push(new GatewayError(code));
    const field = await payment();
    expect(seenOf(await send(field))).toEqual([503, code, false]);
    expect([gateway.facilitator.moved, await states()]).toEqual([[], ['released']]);
    expect(seenOf(await send(field))).toEqual([200, undefined, false]);
  });
});

describe('a good payment whose call fails', () => {
  it('can be used again, and the fault is reported', async () => {
    gateway.api(new GatewayError('upstream_timeout'));
    const field = await payment();
    expect(seenOf(await send(field))).toEqual([504, 'upstream_timeout', false]);
    expect([gateway.facilitator.moved, await states()]).toEqual([[], ['released']]);
    gateway.api({ body: 'worth it' });
    expect(seenOf(await send(field))).toEqual([200, undefined, false]);
  });

  it('can be used again when the status is not charged, and the answer is relayed', async () => {
    gateway.api({ status: 404, body: 'not here' });
    const got = await send(await payment());
    expect([got.status, got.body, got.from]).toEqual([404, 'not here', 'api']);
    expect([gateway.facilitator.moved, await states()]).toEqual([[], ['released']]);
  });

  it.each([
    [{ kind: 'failed', reason: 'amount_too_low' } as const, [402, 'settlement_failed', true], 'failed'],
    [{ kind: 'unknown', reason: 'facilitator_timeout' } as const, [503, 'settlement_unknown', false], 'unknown'],
  ])('in its settlement reports the usual code, and drops the answer: %o', async (outcome, seen, state) => {
    gateway.facilitator.outcomes.push(outcome);
    expect(seenOf(await send(await payment()))).toEqual(seen);
    expect(await states()).toEqual([state]);
  });
});

describe('a payment is verified first', () => {
  const REFUSAL = { kind: 'invalid', reason: 'insufficient_funds' } as const;

  it.each([
    'POST',
    'PUT',
    'DELETE',
    'OPTIONS',
  ])('for a call that must not be made without payment: %s', async (method) => {
    gateway.facilitator.verdicts.push(REFUSAL);
    expect((await send(await payment(method), { method })).status).toBe(402);
    expect([gateway.facilitator.calls, gateway.asked]).toEqual([['verify'], []]);
  });

  it('where only the chain can judge the signature', async () => {
    gateway.facilitator.verdicts.push(REFUSAL);
    expect((await send(await payment('GET', `0x${'11'.repeat(65)}`))).status).toBe(402);
    expect([gateway.facilitator.calls, gateway.asked]).toEqual([['verify'], []]);
  });
});
