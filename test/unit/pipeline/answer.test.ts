import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { requestHead } from '../../../src/domain/request-head.ts';
import { type AnswerContext, faultAnswer, refusalAnswer } from '../../../src/pipeline/answer.ts';
import { isPreflight, preflightAnswer } from '../../../src/pipeline/cross-origin.ts';
import { emptyNotes } from '../../../src/pipeline/exchange.ts';
import { UNPAID } from '../../../src/pipeline/read-payment.ts';
import { planOf } from '../../support/gateway.ts';
import { FIELDS } from '../../support/payment-fields.ts';

const plan = await planOf(
  'listen: 127.0.0.1:0\nupstream: http://127.0.0.1:9\nroutes:\n  - { path: /*, price: free }\n',
);

function contextOf(fields: readonly (readonly [string, string])[] = []): AnswerContext {
  const head = requestHead({ method: 'GET', target: '/' }, fields);
  return { head, runtime: { plan, paywall: undefined, fields: FIELDS }, requestId: 'request-1', notes: emptyNotes() };
}

function fieldOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
}

describe('the answer to a fault', () => {
  it('is a problem document of its code, which is never cached', () => {
    const context = contextOf();
    const answer = faultAnswer(context, new GatewayError('route_not_found', { detail: 'No route.' }));
    expect(answer.status).toBe(404);
    expect(JSON.parse(String(answer.body))).toEqual({
      type: 'about:blank',
      title: 'No route of the price table matches.',
      status: 404,
      code: 'route_not_found',
      detail: 'No route.',
      requestId: 'request-1',
    });
    expect(fieldOf(answer.headers, 'cache-control')).toBe('no-store');
    expect(fieldOf(answer.headers, 'content-length')).toBe(String(Buffer.byteLength(String(answer.body))));
    expect(context.notes.code).toBe('route_not_found');
  });

  it('hides the details of a bug', () => {
    const context = contextOf();
    const bug = new TypeError('secret');
    const answer = faultAnswer(context, bug);
    expect([answer.status, JSON.stringify(answer)]).toEqual([500, expect.not.stringContaining('secret')]);
    expect(context.notes.cause).toBe(bug);
  });

  it('of 503 has Retry-After', () => {
    expect(fieldOf(faultAnswer(contextOf(), new GatewayError('store_unavailable')).headers, 'retry-after')).toBe('1');
    const later = new GatewayError('too_many_payments', { retryAfterSeconds: 7 });
    expect(fieldOf(faultAnswer(contextOf(), later).headers, 'retry-after')).toBe('7');
    expect(fieldOf(faultAnswer(contextOf(), new GatewayError('host_invalid')).headers, 'retry-after')).toBeUndefined();
  });

  it('counts bytes, not characters', () => {
    const answer = faultAnswer(contextOf(), new GatewayError('host_invalid', { detail: 'ä' }));
    expect(answer.encoding).toBe('utf8');
    expect(fieldOf(answer.headers, 'content-length')).toBe(String(Buffer.byteLength(String(answer.body))));
    expect(faultAnswer(contextOf(), new GatewayError('host_invalid')).encoding).toBe('latin1');
  });

  it('carries what it is given, such as the receipt of a payment whose answer failed', () => {
    const answer = faultAnswer(contextOf(), new GatewayError('upstream_timeout'), (status) => [
      ['PAYMENT-RESPONSE', String(status)],
    ]);
    expect(fieldOf(answer.headers, 'payment-response')).toBe('504');
  });
});

describe('the answer that refuses', () => {
  it('states no price where there is none to state', () => {
    const answer = refusalAnswer(contextOf(), UNPAID, undefined);
    expect([answer.status, fieldOf(answer.headers, 'payment-required')]).toEqual([402, undefined]);
  });

  it('gives the reason beside its code, and notes it for the log', () => {
    const context = contextOf();
    const refusal = { kind: 'refusal', code: 'payment_refused', reason: 'insufficient_funds' } as const;
    const answer = refusalAnswer(context, refusal, undefined);
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'payment_refused', error: 'insufficient_funds' });
    expect(context.notes.reason).toBe('insufficient_funds');
  });

  it('can be read by pages of other sites', () => {
    const answer = refusalAnswer(contextOf([['Origin', 'https://page.example']]), UNPAID, undefined);
    expect(fieldOf(answer.headers, 'access-control-allow-origin')).toBe('*');
    expect(
      fieldOf(refusalAnswer(contextOf(), UNPAID, undefined).headers, 'access-control-allow-origin'),
    ).toBeUndefined();
  });
});

describe('the answer to a preflight', () => {
  const asking = (headers: string) =>
    requestHead({ method: 'OPTIONS', target: '/' }, [
      ['Origin', 'https://page.example'],
      ['Access-Control-Request-Method', 'GET'],
      ['Access-Control-Request-Headers', headers],
    ]);

  it('allows payment headers beside the headers that the page asks for', () => {
    const head = asking('x-mine, x-other');
    expect(isPreflight(head)).toBe(true);
    const answer = preflightAnswer(head, FIELDS);
    expect([answer.status, answer.body]).toEqual([204, undefined]);
    expect(fieldOf(answer.headers, 'access-control-allow-headers')).toBe(`${FIELDS.allowed}, x-mine, x-other`);
  });

  it('echoes nothing but a list of header names', () => {
    const answer = preflightAnswer(asking('x-mine\r\nSet-Cookie: a'), FIELDS);
    expect(fieldOf(answer.headers, 'access-control-allow-headers')).toBe(FIELDS.allowed);
  });
});
