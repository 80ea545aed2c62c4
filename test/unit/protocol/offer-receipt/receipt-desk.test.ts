import { decodePaymentRequiredHeader } from '@x402/core/http';
import {
  decodeSignedOffers,
  extractJWSHeader,
  extractOffersFromPaymentRequired,
  verifyOfferSignatureJWS,
} from '@x402/extensions/offer-receipt';
import { expect, it } from 'vitest';
import type { Offer } from '../../../../src/domain/offer.ts';
import type { ChallengeSubject } from '../../../../src/protocol/challenge.ts';
import { ReceiptDesk } from '../../../../src/protocol/offer-receipt/receipt-desk.ts';
import { ReceiptKey } from '../../../../src/protocol/offer-receipt/receipt-key.ts';
import { compileHeader } from '../../../../src/protocol/v2/challenge-header.ts';
import { x402V2 } from '../../../../src/protocol/v2/x402-v2.ts';
import { exactOffer } from '../../../support/exact-evm-payments.ts';

type Jwk = NonNullable<Parameters<typeof verifyOfferSignatureJWS>[1]>;

const SECRET = Buffer.alloc(32, 7).toString('base64url');
const URL_A = 'https://api.example.com/a';

function deskAt(now: { seconds: number }, secret = SECRET): ReceiptDesk {
  return new ReceiptDesk(new ReceiptKey(secret, 'https://api.example.com:8443'), () => now.seconds * 1000);
}

function validUntil(text: string): number {
  return decodeSignedOffers(JSON.parse(text))[0]?.validUntil ?? 0;
}

function subjectWith(offers: readonly Offer[]): ChallengeSubject {
  const receipts = deskAt({ seconds: 1_000 });
  return { route: 'a', description: undefined, mimeType: undefined, offers, identifier: 'off', receipts };
}

it('A secret makes one key everywhere, which its document names for the host and port of the gateway', () => {
  const { document } = deskAt({ seconds: 0 });
  expect(document['id']).toBe('did:web:api.example.com%3A8443');
  expect(deskAt({ seconds: 0 }).document).toEqual(document);
  expect(deskAt({ seconds: 0 }, Buffer.alloc(32, 8).toString('base64url')).document).not.toEqual(document);
  const [offer] = JSON.parse(deskAt({ seconds: 0 }).statement([exactOffer()])(URL_A));
  expect(document['assertionMethod']).toEqual([extractJWSHeader(offer.signature).kid]);
});

it('An offer is signed once for each resource while most of its quote is left, and anew after that', () => {
  const now = { seconds: 1_000 };
  const state = deskAt(now).statement([exactOffer()]);
  const first = state(URL_A);
  expect(validUntil(first)).toBe(1_060);
  now.seconds = 1_014;
  expect(state(URL_A)).toBe(first);
  expect(validUntil(state('https://api.example.com/b'))).toBe(1_074);
  now.seconds = 1_015;
  expect(validUntil(state(URL_A))).toBe(1_075);
});

it('Offers of two prices for one resource are not taken for each other', () => {
  const desk = deskAt({ seconds: 1_000 });
  const texts = [1n, 2n].map((amount) => desk.statement([exactOffer({ amount })])(URL_A));
  expect(texts.map((text) => decodeSignedOffers(JSON.parse(text))[0]?.amount)).toEqual(['1', '2']);
});

it('A 402 states its offers signed, each by its place among the ways to pay', async () => {
  const offers = [exactOffer(), exactOffer({ amount: 7n })];
  const subject = subjectWith(offers);
  const header = compileHeader(subject)({ url: URL_A, method: 'GET', path: '/a' }, 'pay');
  const required = decodePaymentRequiredHeader(header);
  const signed = extractOffersFromPaymentRequired(required);
  expect(signed.map(({ acceptIndex }) => acceptIndex)).toEqual([0, 1]);
  const methods = subject.receipts?.document['verificationMethod'] as unknown as { readonly publicKeyJwk: Jwk }[];
  for (const [index, offer] of signed.entries()) {
    if (offer.format !== 'jws') throw new Error('not a JWS');
    const payload = await verifyOfferSignatureJWS(offer, methods[0]?.publicKeyJwk);
    const { version, resourceUrl, validUntil, ...terms } = payload;
    expect({ version, resourceUrl, validUntil }).toEqual({ version: 1, resourceUrl: URL_A, validUntil: 1_060 });
    expect(required.accepts[index]).toMatchObject(terms);
  }
});

it('A 402 that gets too long leaves its signed offers out', () => {
  const subject = subjectWith(Array.from({ length: 5 }, () => exactOffer()));
  const header = compileHeader(subject)({ url: URL_A, method: 'GET', path: '/a' }, 'pay');
  expect(decodePaymentRequiredHeader(header).extensions).toBeUndefined();
});

it('A 402 with signed offers is not said again as it was, since they end', () => {
  expect(x402V2.challenge(subjectWith([exactOffer()])).repeats).toBe(false);
});
