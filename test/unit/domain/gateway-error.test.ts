import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, GatewayError } from '../../../src/domain/gateway-error.ts';

/** Status, whose doing it is, and whether the very same request may help: the public contract of each code. */
const CONTRACT: Readonly<Record<ErrorCode, readonly [status: number, source: string, retryable: boolean]>> = {
  request_target_invalid: [400, 'client', false],
  request_malformed: [400, 'client', false],
  request_head_too_large: [431, 'client', false],
  too_many_connections: [503, 'client', true],
  request_body_too_large: [413, 'client', false],
  request_timeout: [408, 'client', true],
  request_ambiguous: [400, 'client', false],
  body_ambiguous: [400, 'client', false],
  request_not_priced: [400, 'client', false],
  host_invalid: [400, 'client', false],
  payment_header_repeated: [400, 'client', false],
  payment_header_too_large: [400, 'client', false],
  payment_malformed: [400, 'client', false],
  credential_malformed: [402, 'client', false],
  payment_method_unsupported: [400, 'client', false],
  method_not_allowed: [405, 'client', false],
  expectation_failed: [417, 'client', false],
  route_not_found: [404, 'client', false],
  payment_required: [402, 'client', false],
  payment_refused: [402, 'client', false],
  access_token_malformed: [400, 'client', false],
  access_token_invalid: [402, 'client', false],
  access_token_expired: [402, 'client', false],
  access_token_revoked: [402, 'client', false],
  access_quota_exhausted: [402, 'client', false],
  access_balance_too_low: [402, 'client', false],
  access_balance_in_use: [429, 'client', true],
  sign_in_refused: [402, 'client', false],
  permit2_allowance_required: [412, 'client', false],
  settlement_failed: [402, 'client', false],
  payment_in_progress: [409, 'client', true],
  payment_already_used: [409, 'client', false],
  payment_bound_to_another_request: [409, 'client', false],
  delivery_expired: [409, 'client', false],
  upgrade_unsupported: [400, 'client', false],
  request_unmetered: [400, 'client', false],
  delivery_unknown: [409, 'client', false],
  payment_identifier_conflict: [409, 'client', false],
  payment_identifier_required: [400, 'client', false],
  too_many_payments: [429, 'client', true],
  too_many_unpaid_calls: [429, 'client', true],
  too_many_upstream_calls: [503, 'client', true],
  too_many_bodies: [503, 'internal', true],
  settlement_unknown: [503, 'facilitator', true],
  facilitator_unreachable: [503, 'facilitator', true],
  facilitator_timeout: [503, 'facilitator', true],
  facilitator_invalid_answer: [503, 'facilitator', true],
  facilitator_overloaded: [503, 'facilitator', true],
  store_unavailable: [503, 'internal', true],
  shutting_down: [503, 'internal', true],
  upstream_unreachable: [502, 'upstream', true],
  upstream_invalid_answer: [502, 'upstream', true],
  upstream_timeout: [504, 'upstream', true],
  internal_error: [500, 'internal', false],
};

/** The codes whose answer states the price again. Any other one would have a stock client pay twice. */
const OFFERS_AGAIN: readonly ErrorCode[] = [
  'payment_header_too_large',
  'payment_malformed',
  'credential_malformed',
  'payment_method_unsupported',
  'payment_required',
  'payment_refused',
  'access_token_malformed',
  'access_token_invalid',
  'access_token_expired',
  'access_token_revoked',
  'access_quota_exhausted',
  'access_balance_too_low',
  'sign_in_refused',
  'permit2_allowance_required',
  'settlement_failed',
  'payment_identifier_required',
];

describe('the table of error codes', () => {
  it('states the price again only where no money of the buyer is asked for, in doubt or moved', () => {
    const offering = Object.entries(ERROR_CODES).filter(([, { offersAgain }]) => offersAgain);
    expect(offering.map(([code]) => code).sort()).toEqual([...OFFERS_AGAIN].sort());
  });

  it('never tells a buyer both to send the same payment again and to sign a new one', () => {
    const both = Object.entries(ERROR_CODES).filter(([, { offersAgain, retryable }]) => offersAgain && retryable);
    expect(both).toEqual([]);
  });

  it.each(Object.entries(CONTRACT))('keeps what %s means', (code, [status, source, retryable]) => {
    expect(new GatewayError(code as ErrorCode).meaning).toMatchObject({ status, source, retryable });
  });

  it('holds no code that the public contract does not know', () => {
    expect(Object.keys(ERROR_CODES).sort()).toEqual(Object.keys(CONTRACT).sort());
  });

  it('gives each code a title of its own, as a sentence', () => {
    const titles = Object.values(ERROR_CODES).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const title of titles) expect(title).toMatch(/^[A-Z].*\.$/);
  });
});

describe('a gateway error', () => {
  it('says what the code means and what happened here', () => {
    const cause = new Error('ECONNREFUSED 10.0.0.7:8080');
    const error = new GatewayError('upstream_unreachable', { detail: 'Try later.', retryAfterSeconds: 3, cause });
    expect(error).toMatchObject({
      name: 'GatewayError',
      code: 'upstream_unreachable',
      message: 'The API behind the gateway cannot be reached. Try later.',
      detail: 'Try later.',
      retryAfterSeconds: 3,
      cause,
    });
    expect(error.message).not.toContain('10.0.0.7');
  });

  it('needs nothing but its code', () => {
    expect(new GatewayError('internal_error')).toMatchObject({
      message: 'The gateway failed.',
      detail: undefined,
      retryAfterSeconds: undefined,
    });
  });
});
