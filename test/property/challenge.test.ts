import { decodePaymentRequiredHeader } from '@x402/core/http';
import { PaymentRequiredV1Schema, PaymentRequiredV2Schema } from '@x402/core/schemas';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Network } from '../../src/domain/network.ts';
import type { Offer } from '../../src/domain/offer.ts';
import type { IdentifierRule } from '../../src/domain/route.ts';
import { type AskedResource, composeChallenge } from '../../src/protocol/challenge.ts';
import { compileBody } from '../../src/protocol/v1/challenge-body.ts';
import { x402V1 } from '../../src/protocol/v1/x402-v1.ts';
import { compileHeader } from '../../src/protocol/v2/challenge-header.ts';
import { x402V2 } from '../../src/protocol/v2/x402-v2.ts';
import { exactOffer } from '../support/exact-evm-payments.ts';

const SEPOLIA = exactOffer();
const BASE: Offer = { ...exactOffer({ network: 'eip155:8453' as Network, name: 'USD Coin' }), v1Network: 'base' };
/** An offer with `settle: before`: v2 states that, v1 has no field for it. */
const UPFRONT: Offer = {
  ...BASE,
  requirements: { ...BASE.requirements, extra: { ...BASE.requirements.extra, paymentFlow: 'upfront' } },
};
const PERMIT2_OFFER = exactOffer({ transferMethod: 'permit2', name: 'USD₮0' });
const URL_PAID = 'https://api.example.com/v1/weather';

/** The networks that v1 clients know: one other name makes them throw for the whole list. */
const V1_NETWORKS = [
  ...['abstract', 'abstract-testnet', 'base-sepolia', 'base', 'avalanche-fuji', 'avalanche', 'iotex', 'solana-devnet'],
  ...['solana', 'sei', 'sei-testnet', 'polygon', 'polygon-amoy', 'peaq', 'story', 'educhain', 'skale-base-sepolia'],
];

/** What `x402-fetch` demands of each entry, by its own schema, written down by hand. */
function assertV1Entry(entry: Record<string, unknown>): void {
  expect(entry['scheme']).toBe('exact');
  expect(V1_NETWORKS).toContain(entry['network']);
  expect(entry['maxAmountRequired']).toMatch(/^\d+$/);
  expect(URL.canParse(String(entry['resource']))).toBe(true);
  expect(entry['resource']).toBeTypeOf('string');
  expect(entry['description']).toBeTypeOf('string');
  expect(entry['mimeType']).toBeTypeOf('string');
  expect(entry).not.toHaveProperty('outputSchema');
  expect(entry['payTo']).toMatch(/^0x[0-9a-fA-F]{40}$/);
  expect(Number.isInteger(entry['maxTimeoutSeconds'])).toBe(true);
  expect(entry['asset']).toMatch(/^0x[0-9a-fA-F]{40}$/);
  expect(entry['extra']).toEqual({ name: expect.any(String), version: expect.any(String) });
}

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.string({ maxLength: 60 }));
const url = fc.oneof(
  fc.webUrl({ withQueryParameters: true }),
  fc.string({ maxLength: 40 }).map((path) => `https://api.example.com/${encodeURIComponent(path.toWellFormed())}`),
);
const subject = fc.record({
  description: fc.option(text, { nil: undefined }),
  mimeType: fc.option(text, { nil: undefined }),
  offers: fc.subarray([SEPOLIA, BASE, PERMIT2_OFFER, UPFRONT], { minLength: 1 }),
  identifier: fc.constantFrom<IdentifierRule>('off', 'optional', 'required'),
  route: fc.constant('route'),
});

/** A call of `GET`. */
const asked = (url: string): AskedResource => ({ url, method: 'GET', path: '/' });

const compose = (what: Parameters<typeof compileHeader>[0]) => composeChallenge([x402V2, x402V1], what);

describe('the challenge', () => {
  it('is read by the official decoder, and passes the official schema, with our very requirements', () => {
    fc.assert(
      fc.property(subject, url, text, (what, resourceUrl, error) => {
        const header = compileHeader(what)(asked(resourceUrl), error);
        expect(header).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
        const decoded = decodePaymentRequiredHeader(header);
        expect(PaymentRequiredV2Schema.safeParse(decoded).success).toBe(true);
        const { description, mimeType, offers, identifier } = what;
        const resource = JSON.parse(JSON.stringify({ url: resourceUrl, description, mimeType }));
        expect(decoded).toEqual({
          x402Version: 2,
          error,
          resource,
          accepts: offers.map((offer) => offer.requirements),
          ...(identifier === 'off' ? {} : { extensions: { 'payment-identifier': expect.any(Object) } }),
        });
        const declared = decoded.extensions?.['payment-identifier'];
        if (identifier !== 'off') expect(declared).toMatchObject({ info: { required: identifier === 'required' } });
      }),
      { numRuns: 400 },
    );
  });

  it('is the same base64 as if encoded in one piece, whatever the length of its parts', () => {
    const lengths = fc.tuple(fc.nat(64), fc.nat(64), fc.nat(64), fc.constantFrom('a', 'é', '₮', '💸', '"', '\u0000'));
    fc.assert(
      fc.property(lengths, ([one, two, three, unit]) => {
        const description = unit.repeat(one);
        const resourceUrl = `https://a.example/${'b'.repeat(two)}`;
        const header = compileHeader({
          description,
          mimeType: undefined,
          offers: [SEPOLIA],
          identifier: 'off',
          route: 'route',
        })(asked(resourceUrl), unit.repeat(three));
        const bytes = Buffer.from(header, 'base64');
        // Encoding it in one piece gives the same text: no padding and no stray bits in the middle.
        expect(bytes.toString('base64')).toBe(header);
        expect(JSON.parse(bytes.toString('utf8'))).toMatchObject({
          resource: { url: resourceUrl, description },
          error: unit.repeat(three),
        });
      }),
      { numRuns: 400 },
    );
  });

  it('is the same text for the same facts', () => {
    fc.assert(
      fc.property(subject, url, text, (what, resourceUrl, error) => {
        const [one, other] = [compose(what), compose(structuredClone(what))];
        const occasion = { code: 'payment_refused', reason: error } as const;
        expect(other.state(asked(resourceUrl), occasion)).toEqual(one.state(asked(resourceUrl), occasion));
        // Writing another one in between has no effect.
        for (const [elsewhere, otherwise] of [
          ['https://other.example/', occasion],
          [resourceUrl, { ...occasion, reason: `${error} else` }],
          [resourceUrl, { ...occasion, code: 'payment_required' }],
        ] as const) {
          expect(one.state(asked(elsewhere), otherwise)).toEqual(compose(what).state(asked(elsewhere), otherwise));
          expect(one.state(asked(resourceUrl), occasion)).toEqual(other.state(asked(resourceUrl), occasion));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('keeps the order of the price table, which is the order of preference', () => {
    for (const offers of [
      [SEPOLIA, BASE],
      [BASE, SEPOLIA],
    ]) {
      const header = compileHeader({
        description: undefined,
        mimeType: undefined,
        offers,
        identifier: 'off',
        route: 'route',
      });
      const { accepts } = decodePaymentRequiredHeader(header(asked(URL_PAID), 'x'));
      expect(accepts.map(({ network }) => network)).toEqual(offers.map(({ network }) => network));
    }
  });
});

describe('the v1 body of the challenge', () => {
  it('passes the rules that v1 clients enforce, and holds only what v1 clients can pay', () => {
    fc.assert(
      fc.property(subject, url, text, (what, resourceUrl, error) => {
        const payable = what.offers.filter((offer) => offer.v1Network !== undefined);
        const body = compileBody(what)?.(asked(resourceUrl), { reason: error });
        if (payable.length === 0) {
          expect(body).toBeUndefined();
          return;
        }
        const read = JSON.parse(body ?? '');
        expect(Object.keys(read).sort()).toEqual(['accepts', 'error', 'x402Version']);
        expect([read.x402Version, read.error]).toEqual([1, error]);
        expect(read.accepts).toHaveLength(payable.length);
        for (const [index, entry] of read.accepts.entries()) {
          assertV1Entry(entry);
          expect(entry).toMatchObject({
            resource: resourceUrl,
            network: payable[index]?.v1Network,
            maxAmountRequired: payable[index]?.requirements.amount,
            description: what.description ?? '',
            mimeType: what.mimeType ?? '',
          });
        }
        expect(PaymentRequiredV1Schema.safeParse({ ...read, error: 'x' }).success).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
