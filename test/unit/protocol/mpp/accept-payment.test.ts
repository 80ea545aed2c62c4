import { describe, expect, it } from 'vitest';
import { loadKeccak256 } from '../../../../src/evm/keccak.ts';
import { composeChallenge } from '../../../../src/protocol/challenge.ts';
import { accepts } from '../../../../src/protocol/mpp/accept-payment.ts';
import { createMpp } from '../../../../src/protocol/mpp/mpp.ts';
import type { Protocol } from '../../../../src/protocol/protocol.ts';
import { x402V1 } from '../../../../src/protocol/v1/x402-v1.ts';
import { x402V2 } from '../../../../src/protocol/v2/x402-v2.ts';
import { exactOffer } from '../../../support/exact-evm-payments.ts';

const CHARGE = { method: 'evm', intent: 'charge' };

describe('Accept-Payment', () => {
  it.each([
    undefined,
    'evm/charge',
    'tempo/charge, evm/charge;q=0.001',
    'evm/*',
    '*/charge ; q=0.3',
    '*/*',
    'tempo/*;q=0,\tevm/charge;Q=1.000,',
    '*/*;q=0, evm/*',
    'evm/*;q=0, evm/charge',
    'evm/charge;q=0, evm/charge;q=0.5',
  ])('takes a charge on EVM by %s', (field) => {
    expect(accepts(field, CHARGE)).toBe(true);
  });

  it.each([
    'tempo/charge',
    'evm/session, */subscription',
    'evm/charge;q=0',
    'evm/charge;q=0.000, evm/*, */*',
    '*/*, evm/*;q=0',
    '*/*;q=0',
  ])('excludes it by %s', (field) => {
    expect(accepts(field, CHARGE)).toBe(false);
  });

  it.each([
    '',
    ' , ,',
    'tempo',
    'tempo/',
    '/charge',
    'tempo/charge;q=2',
    'tempo/charge;q=0.1234',
    'tempo/charge;q=-1',
    'tempo/charge;level=1',
    'TEMPO/charge',
    'tempo/charge/x',
    'tempo/charge tempo/session',
    'tempo/charge, %',
    `tempo/charge${', tempo/charge'.repeat(400)}`,
  ])('has no effect when it is malformed: %s', (field) => {
    expect(accepts(field, CHARGE)).toBe(true);
  });

  it('counts each of its lines', () => {
    expect(accepts(['tempo/charge', 'evm/charge'], CHARGE)).toBe(true);
    expect(accepts(['tempo/charge', 'stripe/charge'], CHARGE)).toBe(false);
  });
});

describe('a 402 for a client that says how it pays', async () => {
  const keccak256 = await loadKeccak256();
  const mpp = createMpp({ secrets: [Buffer.alloc(32, 1)], header: 'Authorization', keccak256, clock: Date.now });

  /** The names of the headers. */
  function statedBy(protocols: readonly Protocol[], wanted: string): readonly string[] {
    const subject = { route: 'a', description: 'Weather', mimeType: undefined, offers: [exactOffer()] };
    const asked = { url: 'https://api.example.com/a', method: 'GET', path: '/a' };
    const occasion = {
      ...({ code: 'payment_required', reason: 'Payment required' } as const),
      headers: { 'accept-payment': wanted },
    };
    const { headers } = composeChallenge(protocols, { ...subject, identifier: 'off' }).state(asked, occasion);
    return headers.filter((_, index) => index % 2 === 0);
  }

  it('states the price in MPP if the client takes that, and always in x402', () => {
    const both = [x402V2, x402V1, mpp];
    expect(statedBy(both, 'evm/charge')).toEqual(['PAYMENT-REQUIRED', 'WWW-Authenticate']);
    expect(statedBy(both, 'tempo/charge')).toEqual(['PAYMENT-REQUIRED']);
    expect(statedBy(both, 'evm/charge;q=0')).toEqual(['PAYMENT-REQUIRED']);
    expect(statedBy(both, 'nonsense')).toEqual(['PAYMENT-REQUIRED', 'WWW-Authenticate']);
  });

  it('states the price in MPP when no other protocol does, since a 402 needs a price', () => {
    expect(statedBy([mpp], 'tempo/charge')).toEqual(['WWW-Authenticate']);
  });
});
