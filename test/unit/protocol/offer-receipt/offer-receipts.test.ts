import { decodePaymentRequiredHeader } from '@x402/core/http';
import {
  decodeSignedOffers,
  extractJWSHeader,
  extractOffersFromPaymentRequired,
  verifyOfferSignatureEIP712,
  verifyOfferSignatureJWS,
  verifyReceiptSignatureEIP712,
} from '@x402/extensions/offer-receipt';
import { expect, it } from 'vitest';
import type { Offer } from '../../../../src/domain/offer.ts';
import type { Receipt } from '../../../../src/domain/receipt.ts';
import type { ReceiptTerms } from '../../../../src/domain/receipt-terms.ts';
import type { ChallengeSubject } from '../../../../src/protocol/challenge.ts';
import type { OfferReceipts } from '../../../../src/protocol/offer-receipt/offer-receipts.ts';
import { compileHeader } from '../../../../src/protocol/v2/challenge-header.ts';
import { x402V2 } from '../../../../src/protocol/v2/x402-v2.ts';
import { openReceipts } from '../../../../src/server/receipts.ts';
import { exactOffer } from '../../../support/exact-evm-payments.ts';

type Jwk = NonNullable<Parameters<typeof verifyOfferSignatureJWS>[1]>;

const SECRET = Buffer.alloc(32, 7).toString('base64url');
const OTHER = Buffer.alloc(32, 8).toString('base64url');
const NEWEST = Buffer.alloc(32, 9).toString('base64url');
const URL_A = 'https://api.example.com/a';

/** @param secret that of the store */
async function receiptsAt(
  now: { seconds: number },
  { secret = SECRET, ...terms }: Partial<ReceiptTerms> & { readonly secret?: string } = {},
): Promise<OfferReceipts> {
  const receipts: ReceiptTerms = { format: 'jws', keys: [], ...terms };
  const plan = { receipts, publicUrl: 'https://api.example.com:8443' };
  const issuer = await openReceipts(
    plan,
    async () => secret,
    () => now.seconds * 1000,
  );
  if (issuer === undefined) throw new Error('nothing signs');
  return issuer;
}

/** The keys that a document names: ids of Ed25519 keys, and accounts. */
function keysOf({ document }: OfferReceipts): readonly string[] {
  const methods = document['verificationMethod'] as unknown as readonly {
    readonly id: string;
    readonly blockchainAccountId?: string;
  }[];
  return methods.map(({ id, blockchainAccountId }) => blockchainAccountId?.split(':')[2] ?? id);
}

/** The signed object in the extension of a receipt, as the official types have it. */
function signedIn(extension: unknown): Parameters<typeof verifyReceiptSignatureEIP712>[0] {
  return (extension as { readonly info: { readonly receipt: Parameters<typeof verifyReceiptSignatureEIP712>[0] } }).info
    .receipt;
}

function validUntil(text: string): number {
  return decodeSignedOffers(JSON.parse(text))[0]?.validUntil ?? 0;
}

async function subjectWith(offers: readonly Offer[]): Promise<ChallengeSubject> {
  const receipts = await receiptsAt({ seconds: 1_000 });
  return { route: 'a', description: undefined, mimeType: undefined, offers, identifier: 'off', receipts };
}

it('A secret makes the same keys everywhere, and the key document names them for the host and port of the gateway', async () => {
  const issuer = await receiptsAt({ seconds: 0 });
  const { document } = issuer;
  expect(document['id']).toBe('did:web:api.example.com%3A8443');
  expect((await receiptsAt({ seconds: 0 })).document).toEqual(document);
  const other = await receiptsAt({ seconds: 0 }, { secret: OTHER });
  expect(keysOf(other).some((key) => keysOf(issuer).includes(key))).toBe(false);
  const [offer] = JSON.parse(issuer.statement([exactOffer()])(URL_A));
  expect(keysOf(issuer)).toContain(extractJWSHeader(offer.signature).kid);
  expect(document['assertionMethod']).toHaveLength(2);
});

it('A typed signature is of the account in the key document, and of another account once its payload is changed', async () => {
  const issuer = await receiptsAt({ seconds: 1_000 }, { format: 'eip712' });
  const offers = [exactOffer(), exactOffer({ amount: 7n })];
  const texts = JSON.parse(issuer.statement(offers)(URL_A));
  for (const [index, signed] of texts.entries()) {
    const { signer, payload } = await verifyOfferSignatureEIP712(signed);
    expect(keysOf(issuer)).toContain(signer.toLowerCase());
    expect({ ...payload, acceptIndex: signed.acceptIndex }).toMatchObject({
      acceptIndex: index,
      resourceUrl: URL_A,
      amount: offers[index]?.requirements.amount,
      validUntil: 1_060,
    });
    const forged = { ...signed, payload: { ...payload, resourceUrl: `${URL_A}b` } };
    expect((await verifyOfferSignatureEIP712(forged)).signer).not.toBe(signer);
  }
});

it('A receipt is signed in the form of its network, and offers of several families in one form', async () => {
  const issuer = await receiptsAt({ seconds: 1_000 }, { format: 'eip712' });
  const settled: Receipt = {
    kind: 'settled',
    network: exactOffer().network,
    v1Network: undefined,
    payer: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
    transaction: `0x${'1'.repeat(64)}`,
    amount: exactOffer().amount,
    settledAt: 1_000_000,
  };
  const ofEvm = signedIn(issuer.receipt(settled, URL_A));
  const { signer, payload } = await verifyReceiptSignatureEIP712(ofEvm);
  expect(keysOf(issuer)).toContain(signer.toLowerCase());
  expect(payload).toEqual({
    ...{ version: 1, network: settled.network, resourceUrl: URL_A, payer: settled.payer },
    ...{ issuedAt: 1_000, transaction: '' },
  });
  const solana = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1' as Receipt['network'];
  expect(signedIn(issuer.receipt({ ...settled, network: solana }, URL_A))).toMatchObject({ format: 'jws' });
  const mixed = JSON.parse(issuer.statement([exactOffer(), { ...exactOffer(), network: solana }])(URL_A));
  expect(mixed.map(({ format }: { format: string }) => format)).toEqual(['jws', 'jws']);
});

it.each([
  'jws',
  'eip712',
] as const)('A new secret signs as %s, and what the old ones signed can still be checked', async (format) => {
  const store = await receiptsAt({ seconds: 1_000 }, { format });
  const first = await receiptsAt({ seconds: 1_000 }, { format, keys: [OTHER] });
  const rotated = await receiptsAt({ seconds: 1_000 }, { format, keys: [NEWEST, OTHER] });
  const signerOf = async (issuer: OfferReceipts): Promise<string> => {
    const [signed] = JSON.parse(issuer.statement([exactOffer()])(URL_A));
    if (format === 'jws') return extractJWSHeader(signed.signature).kid ?? '';
    return (await verifyOfferSignatureEIP712(signed)).signer.toLowerCase();
  };
  const signers = await Promise.all([store, first, rotated].map(signerOf));
  expect(new Set(signers).size).toBe(3);
  for (const signer of signers) expect(keysOf(rotated)).toContain(signer);
  expect(keysOf(first)).not.toContain(signers[2]);
});

it('A change of the form leaves the keys of the other form published', async () => {
  const [typed, jws] = [await receiptsAt({ seconds: 0 }, { format: 'eip712' }), await receiptsAt({ seconds: 0 })];
  expect(typed.document).toEqual(jws.document);
});

it('An offer is signed once for each resource while most of its quote is left, and anew after that', async () => {
  const now = { seconds: 1_000 };
  const state = (await receiptsAt(now)).statement([exactOffer()]);
  const first = state(URL_A);
  expect(validUntil(first)).toBe(1_060);
  now.seconds = 1_014;
  expect(state(URL_A)).toBe(first);
  expect(validUntil(state('https://api.example.com/b'))).toBe(1_074);
  now.seconds = 1_015;
  expect(validUntil(state(URL_A))).toBe(1_075);
});

it('Signed offers of two prices for one resource are kept apart', async () => {
  const issuer = await receiptsAt({ seconds: 1_000 });
  const texts = [1n, 2n].map((amount) => issuer.statement([exactOffer({ amount })])(URL_A));
  expect(texts.map((text) => decodeSignedOffers(JSON.parse(text))[0]?.amount)).toEqual(['1', '2']);
});

it('A 402 states its offers signed, each by its place among the ways to pay', async () => {
  const offers = [exactOffer(), exactOffer({ amount: 7n })];
  const subject = await subjectWith(offers);
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

it('A 402 that gets too long leaves its signed offers out', async () => {
  const subject = await subjectWith(Array.from({ length: 5 }, () => exactOffer()));
  const header = compileHeader(subject)({ url: URL_A, method: 'GET', path: '/a' }, 'pay');
  expect(decodePaymentRequiredHeader(header).extensions).toBeUndefined();
});

it('A 402 with signed offers is not reused, since they expire', async () => {
  expect(x402V2.challenge(await subjectWith([exactOffer()])).repeats).toBe(false);
});
