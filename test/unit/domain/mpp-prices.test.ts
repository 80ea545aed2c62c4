import { describe, expect, it } from 'vitest';
import { MPP_PRICES } from '../../../src/domain/mpp-prices.ts';
import type { Offer } from '../../../src/domain/offer.ts';
import type { StatedPrice } from '../../../src/domain/protocol-prices.ts';
import { loadKeccak256 } from '../../../src/evm/keccak.ts';
import { createMpp } from '../../../src/protocol/mpp/mpp.ts';
import { exactOffer } from '../../support/exact-evm-payments.ts';

const keccak256 = await loadKeccak256();
const LARGE = exactOffer({ amount: 10n ** 30n, decimals: 18 });
const PERMIT2 = exactOffer({ transferMethod: 'permit2' });

/** What the challenges take of a head as they are sent. */
function sentLength(offers: readonly Offer[], host: string, description: string | undefined, header: string): number {
  const mpp = createMpp({ secrets: [Buffer.alloc(32, 1)], header, keccak256, clock: () => 1_800_000_000_000 });
  const subject = { route: 'a', description, mimeType: undefined, offers, identifier: 'off' } as const;
  const asked = { url: `https://${host}/a`, method: 'GET', path: '/a' };
  const { headers } = mpp.challenge(subject).state(asked, { code: 'payment_required', reason: 'Payment required' });
  return headers.reduce((sum, text) => sum + text.length + 2, 0);
}

function priceOf(offers: readonly Offer[], description: string | undefined): StatedPrice {
  return { offers, settle: 'after', metering: undefined, description };
}

function roomFor(price: StatedPrice, realm: string, header: string): number {
  return MPP_PRICES.challengeBytes(price, { realm, terms: { mpp: { header, keys: [] } } });
}

describe('the room for challenges of MPP', () => {
  it.each([
    ['one offer', [exactOffer()], 'api.example.com', undefined, 'Authorization'],
    ['two offers of another field', [exactOffer(), LARGE], 'a.example', 'Weather', 'Payment-Authorization'],
    ['words that are escaped', [exactOffer()], 'api.example.com', 'The “weather” of "Köln" \\ 🌦', 'Authorization'],
    ['an offer that MPP does not state', [exactOffer(), PERMIT2], 'api.example.com', 'Weather', 'Authorization'],
    ['no offer that MPP states', [PERMIT2], 'api.example.com', 'Weather', 'Authorization'],
  ])('is at least their length, and little more: %s', (_name, offers, realm, description, header) => {
    const sent = sentLength(offers, realm, description, header);
    const room = roomFor(priceOf(offers, description), realm, header);
    expect(room).toBeGreaterThanOrEqual(sent);
    expect(room - sent).toBeLessThanOrEqual(offers.length * 40);
  });

  it('is zero for a price with answers on credit, which MPP does not state', () => {
    const price = { ...priceOf([exactOffer()], undefined), settle: 'deferred' } as const;
    expect(roomFor(price, 'a.example', 'Authorization')).toBe(0);
  });
});
