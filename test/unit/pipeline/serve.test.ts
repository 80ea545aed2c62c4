import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { generatePrivateKey } from 'viem/accounts';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import type { PaymentState } from '../../../src/domain/payment-state.ts';
import type { Facilitator } from '../../../src/facilitator/facilitator.ts';
import { encodePayment, handSigned } from '../../support/payment-header.ts';
import { type Got, openValueGateway, type ValueGateway } from '../../support/value-gateway.ts';

/** The pipeline from accept to record, on values: no socket anywhere. */

let gateway: ValueGateway;

beforeEach(async () => {
  gateway = await openValueGateway(`
unmatched: deny
limits: { bodyBytes: 100 }
routes:
  - { path: /free, price: free }
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /deferred, price: $0.001, settle: deferred }
  - { path: /kept, methods: [POST], price: $0.001, settle: before, keepAnswers: { size: 1KB } }
`);
});

async function payment(target: string, method = 'GET'): Promise<readonly [string, string]> {
  const unpaid = await gateway.ask(target, { method });
  const [accepted] = decodePaymentRequiredHeader(unpaid?.field('payment-required') ?? '').accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  return ['PAYMENT-SIGNATURE', encodePayment(await handSigned(generatePrivateKey(), { ...accepted }))];
}

function codeOf(got: Got | undefined): unknown {
  const problem = JSON.parse(got?.body ?? '{}') as { readonly code?: string };
  return problem.code;
}

async function states(): Promise<readonly PaymentState[]> {
  return (await gateway.store.list({}, undefined, 10)).map(({ state }) => state);
}

describe('a request that costs nothing', () => {
  it('goes to the API, and its answer to the client', async () => {
    gateway.api({ status: 201, headers: ['X-Of-The-Api', '1'], body: 'made' });
    const got = await gateway.ask('/free?a=b', { method: 'POST', body: 'make' });
    expect(got).toMatchObject({ status: 201, body: 'made', from: 'api' });
    expect(got?.field('x-of-the-api')).toBe('1');
    expect(gateway.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /free?a=b']);
    expect(gateway.summaries).toMatchObject([{ outcome: 'free', status: 201, path: '/free' }]);
  });

  it.each([
    ['is on no route', '/nowhere', 'route_not_found', 404],
    ['has a path with two readings', '/free/../after', 'request_target_invalid', 400],
  ])('and that %s is not forwarded', async (_name, target, code, status) => {
    const got = await gateway.ask(target);
    expect([got?.status, codeOf(got), got?.from]).toEqual([status, code, 'gateway']);
    expect(gateway.asked).toEqual([]);
    expect(gateway.summaries).toMatchObject([{ outcome: 'refused', code }]);
  });

  it('and whose body is too large is not forwarded', async () => {
    const got = await gateway.ask('/free', { method: 'POST', body: 'x'.repeat(101) });
    expect([got?.status, codeOf(got), gateway.asked]).toEqual([413, 'request_body_too_large', []]);
  });

  it('and that the API cannot receive ends in a fault of the API', async () => {
    gateway.api(new GatewayError('upstream_unreachable'));
    expect(await gateway.ask('/free')).toMatchObject({ status: 502, from: 'gateway' });
    expect(gateway.summaries).toMatchObject([{ outcome: 'failed', code: 'upstream_unreachable' }]);
  });

  it('and asks for a document of the gateway gets it', async () => {
    const got = await gateway.ask('/openapi.json');
    expect([got?.status, got?.field('content-type'), got?.from]).toEqual([200, 'application/json', 'gateway']);
    expect(gateway.asked).toEqual([]);
  });
});

describe('a request that has a price', () => {
  it('gets the price, and is neither forwarded nor written to the ledger', async () => {
    const got = await gateway.ask('/after');
    expect([got?.status, got?.from]).toEqual([402, 'gateway']);
    expect(decodePaymentRequiredHeader(got?.field('payment-required') ?? '')).toMatchObject({
      resource: { url: 'http://api.test/after' },
      accepts: [{ scheme: 'exact', amount: '1000' }],
    });
    expect([gateway.asked, await states()]).toEqual([[], []]);
    expect(gateway.summaries).toMatchObject([{ outcome: 'refused', code: 'payment_required' }]);
  });

  it('and is a preflight of a browser is answered without a payment', async () => {
    const fields = [
      ['Origin', 'https://page.example'],
      ['Access-Control-Request-Method', 'GET'],
    ] as const;
    expect(await gateway.ask('/after', { method: 'OPTIONS', fields })).toMatchObject({ status: 204, from: 'gateway' });
  });

  it('with a payment that does not decode gets the price again', async () => {
    const got = await gateway.ask('/after', { fields: [['PAYMENT-SIGNATURE', 'nonsense']] });
    expect([got?.status, codeOf(got)]).toEqual([400, 'payment_malformed']);
    expect(got?.field('payment-required')).toBeDefined();
  });
});

describe.each(['/after', '/before', '/deferred'])('a paid request to %s', (target) => {
  it.each([
    [true, 409, 'payment_already_used', false],
    [false, 402, undefined, true],
  ])('that is refused is shown a price unless the ledger may have forgotten it (%s)', async (forgotten, ...expected) => {
    const paid = await payment('/after');
    vi.spyOn<Pick<Facilitator, 'verify'>, 'verify'>(gateway.facilitator, 'verify').mockResolvedValue({
      kind: 'invalid',
      reason: 'invalid_transaction_state',
    });
    vi.spyOn(gateway.store, 'mayHaveForgotten').mockResolvedValue(forgotten);
    const got = await gateway.ask('/after', { fields: [paid] });
    const offer = got?.field('payment-required') !== undefined;
    expect([got?.status, codeOf(got), offer]).toEqual(expected);
    expect(gateway.asked).toEqual([]);
  });

  it('is served once, with its receipt', async () => {
    gateway.api({ body: 'worth it' });
    const fields = [await payment(target)];
    const got = await gateway.ask(target, { fields });
    expect(got).toMatchObject({ status: 200, body: 'worth it', from: 'api' });
    expect(decodePaymentResponseHeader(got?.field('payment-response') ?? '').success).toBe(true);
    expect(await states()).toEqual([target === '/deferred' ? 'owed' : 'delivered']);
    // Handed on as it is in the ledger: else no step could be taken, and it would wait until this process is gone.
    const [held] = await gateway.store.list({}, undefined, 1);
    expect(gateway.debts).toMatchObject(target === '/deferred' ? [{ held, end: { answered: true } }] : []);
    const again = await gateway.ask(target, { fields });
    expect([again?.status, again?.field('payment-required')]).toEqual([409, undefined]);
    expect(gateway.asked).toHaveLength(1);
  });

  it('whose client has gone is neither settled nor forwarded', async () => {
    const fields = [await payment(target)];
    expect(await gateway.ask(target, { fields, gone: true })).toBeUndefined();
    expect([gateway.facilitator.moved, gateway.asked]).toEqual([[], []]);
    expect(gateway.summaries.at(-1)).toMatchObject({ outcome: 'client_gone' });
  });
});

describe('a paid request whose API fails', () => {
  it.each([
    ['cannot be reached', new GatewayError('upstream_unreachable'), 502],
    ['answers 500', { status: 500 }, 500],
    ['answers a redirect', { status: 302 }, 302],
    ['sends a head that cannot be passed on', { headers: ['X', 'a\u0001'] }, 502],
  ])('as it %s costs nothing before the money moved', async (_name, answer, status) => {
    gateway.api(answer);
    for (const target of ['/after', '/deferred']) {
      expect((await gateway.ask(target, { fields: [await payment(target)] }))?.status).toBe(status);
    }
    expect(await states()).toEqual(['released', 'released']);
    expect(gateway.facilitator.moved).toEqual([]);
  });

  it('keeps its receipt when the money moved before, and collects the answer without a second charge', async () => {
    gateway.api(new GatewayError('upstream_unreachable'));
    const fields = [await payment('/before')];
    const failed = await gateway.ask('/before', { fields });
    expect([failed?.status, failed?.from]).toEqual([502, 'gateway']);
    expect(decodePaymentResponseHeader(failed?.field('payment-response') ?? '').success).toBe(true);
    expect(await states()).toEqual(['undelivered']);
    gateway.api({ body: 'worth it' });
    expect(await gateway.ask('/before', { fields })).toMatchObject({ status: 200, body: 'worth it' });
    expect([await states(), gateway.facilitator.moved]).toEqual([['delivered'], [1000n]]);
    expect(gateway.summaries.at(-1)).toMatchObject({ outcome: 'redelivered' });
  });

  it('and breaks off before the money moved costs nothing', async () => {
    const fields = [await payment('/deferred')];
    gateway.api({ breaks: true });
    expect(await gateway.ask('/deferred', { fields })).toMatchObject({ status: 502 });
    expect(await states()).toEqual(['released']);
  });
});

describe('a paid request that cannot be made again', () => {
  it('is answered from what was kept, to the very same request only', async () => {
    gateway.api({ status: 201, body: 'made', headers: ['X-Order', '7'] });
    const fields = [await payment('/kept', 'POST')];
    const asked = { method: 'POST', body: 'one', fields };
    expect(await gateway.ask('/kept', { ...asked, leaves: true })).toBeUndefined();
    expect(await states()).toEqual(['delivered_in_part']);
    const other = await gateway.ask('/kept', { ...asked, body: 'two' });
    expect([other?.status, codeOf(other)]).toEqual([409, 'payment_bound_to_another_request']);
    const kept = await gateway.ask('/kept', asked);
    expect(kept).toMatchObject({ status: 201, body: 'made', from: 'gateway' });
    expect(kept?.field('x-order')).toBe('7');
    expect(decodePaymentResponseHeader(kept?.field('payment-response') ?? '').success).toBe(true);
    expect([await states(), gateway.asked.length]).toEqual([['delivered'], 1]);
  });
});
