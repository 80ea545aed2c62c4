import {
  decodeSignedOffers,
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  findAcceptsObjectFromSignedOffer,
  verifyOfferSignatureJWS,
  verifyReceiptMatchesOffer,
  verifyReceiptSignatureJWS,
} from '@x402/extensions/offer-receipt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, signFor, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startEdge, type TestEdge } from '../support/edge.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `
discovery: off
routes:
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /deferred, price: $0.001, settle: deferred }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let edge: TestEdge;
let gateway: TestGateway;
let publicUrl: string;
let status = 200;

beforeAll(async () => {
  devnet = await startDevnet();
  upstream = await startUpstream((_request, response) => response.writeHead(status).end('done'));
  edge = await startEdge(() => gateway.url);
  publicUrl = edge.url;
  const signing = `publicUrl: ${publicUrl}\nreceipts: { format: jws }\n`;
  gateway = await startTestGateway(signing + settings(devnet, upstream.url) + ROUTES);
});

afterAll(async () => {
  await gateway.close();
  edge.close();
  await Promise.all([upstream.close(), devnet.close()]);
});

describe('The official verifier, which finds the key by did:web', () => {
  it.each([
    '/after',
    '/before',
  ])('accepts the offers of %s, and the receipt of a purchase by such an offer', async (path) => {
    const url = `${gateway.url}${path}?q=1`;
    const required = challengeOf(await fetch(url));
    const [signed] = extractOffersFromPaymentRequired(required);
    if (signed?.format !== 'jws') throw new Error('no signed offer');
    expect(findAcceptsObjectFromSignedOffer(signed, required.accepts)).toEqual(required.accepts[0]);
    const offered = await verifyOfferSignatureJWS(signed);
    expect(offered).toMatchObject({ resourceUrl: `${publicUrl}${path}?q=1`, amount: '1000' });

    const payer = await freshPayer(devnet);
    const response = await stockFetch(payer.key)(url);
    expect(response.status).toBe(200);
    const receipt = extractReceiptFromResponse(response);
    if (receipt?.format !== 'jws') throw new Error('no signed receipt');
    const [decoded] = decodeSignedOffers([signed]);
    if (decoded === undefined) throw new Error('no offer');
    expect(verifyReceiptMatchesOffer(receipt, decoded, [payer.address])).toBe(true);
    const delivered = await verifyReceiptSignatureJWS(receipt);
    expect(delivered).toMatchObject({ version: 1, network: 'eip155:84532', resourceUrl: offered.resourceUrl });
    expect(delivered).not.toHaveProperty('transaction');
  });

  it('does not accept a receipt that was changed', async () => {
    const payer = await freshPayer(devnet);
    const receipt = extractReceiptFromResponse(await stockFetch(payer.key)(`${gateway.url}/after`));
    if (receipt?.format !== 'jws') throw new Error('no signed receipt');
    const [header, payload = '', signature] = receipt.signature.split('.');
    const facts = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...facts, payer: `0x${'1'.repeat(40)}` })).toString('base64url');
    const changed = { ...receipt, signature: `${header}.${forged}.${signature}` };
    await expect(verifyReceiptSignatureJWS(changed)).rejects.toThrow();
  });
});

describe('A signed receipt', () => {
  it('is not sent with an answer that is not what was sold, although the money moved', async () => {
    status = 500;
    const payer = await freshPayer(devnet);
    const payment = { 'PAYMENT-SIGNATURE': await signFor(devnet, payer, `${gateway.url}/before`) };
    const failed = await fetch(`${gateway.url}/before`, { headers: payment });
    status = 200;
    expect(failed.status).toBe(500);
    expect(failed.headers.get('payment-response')).not.toBeNull();
    expect(extractReceiptFromResponse(failed)).toBeUndefined();
    const collected = await fetch(`${gateway.url}/before`, { headers: payment });
    expect(collected.status).toBe(200);
    expect(extractReceiptFromResponse(collected)).toMatchObject({ format: 'jws' });
  });

  it('is not sent with an answer on credit', async () => {
    const payer = await freshPayer(devnet);
    const response = await stockFetch(payer.key)(`${gateway.url}/deferred`);
    expect(response.status).toBe(200);
    expect(extractReceiptFromResponse(response)).toBeUndefined();
  });
});

describe('A payment', () => {
  it('is accepted without the signed offers, and with other offers', async () => {
    for (const extensions of [
      undefined,
      { 'offer-receipt': { info: { offers: [{ format: 'jws', signature: 'x' }] } } },
    ]) {
      const payer = await freshPayer(devnet);
      const signed = await signFor(devnet, payer, `${gateway.url}/after`);
      const payload = JSON.parse(Buffer.from(signed, 'base64').toString());
      const header = Buffer.from(JSON.stringify({ ...payload, extensions })).toString('base64');
      const response = await fetch(`${gateway.url}/after`, { headers: { 'PAYMENT-SIGNATURE': header } });
      expect(response.status).toBe(200);
      expect(extractReceiptFromResponse(response)).toBeDefined();
    }
  });
});
