import { describe, expect, it } from 'vitest';
import type { Amount } from '../../../../src/domain/amount.ts';
import type { Payment } from '../../../../src/domain/payment.ts';
import { decodeEvidence, encodeEvidence } from '../../../../src/domain/payment-evidence.ts';
import type { SupportedKind } from '../../../../src/domain/x402.ts';
import { readRetryAfter } from '../../../../src/facilitator/remote/retry-after.ts';
import { readWireJson } from '../../../../src/facilitator/remote/wire-json.ts';
import { wireRequest, wireVersion } from '../../../../src/facilitator/remote/wire-request.ts';
import { scriptedOffer, scriptedPayment } from '../../../support/scripted-facilitator.ts';

const V1 = { x402Version: 1, scheme: 'exact', network: 'base-sepolia' };
const V2 = { x402Version: 2, scheme: 'exact', network: 'eip155:84532' };

/** The request as it goes to a facilitator that supports `kinds`. */
const sent = (payment: Payment, kinds: readonly SupportedKind[]) =>
  wireRequest(payment, payment.offer.amount, wireVersion(payment, kinds));

describe('the request to a facilitator', () => {
  it('carries our requirement in place of the one that the client says it accepted', () => {
    const payment = scriptedPayment(2);
    const request = sent(payment, [V1, V2]);
    expect(request.x402Version).toBe(2);
    expect(request.paymentRequirements).toEqual(payment.offer.requirements);
    expect(request.paymentPayload).toMatchObject({
      accepted: payment.offer.requirements,
      payload: payment.submission.payload.payload,
      extensions: { echoed: { info: { yes: true } } },
    });
    expect(JSON.stringify(request)).not.toContain('by the client');
  });

  it('names the resource by our URL, whatever the client says of it, and where the client says something', () => {
    const payment = scriptedPayment(2);
    const { submission } = payment;
    if (submission.version !== 2) throw new Error('a payment of version 2');
    const saying = (resource: { url: string; description?: string }): Payment => ({
      ...payment,
      submission: { ...submission, payload: { ...submission.payload, resource } },
    });
    const said = { url: 'https://elsewhere.example/v1/weather', description: 'Weather' };
    expect(sent(saying(said), [V2]).paymentPayload).toMatchObject({
      resource: { url: 'https://api.example.com/v1/weather?city=Oslo', description: 'Weather' },
    });
    const { resource: _resource, ...silent } = submission.payload;
    const without = { ...payment, submission: { ...submission, payload: silent } };
    expect(sent(without, [V2]).paymentPayload).not.toHaveProperty('resource');
  });

  it('is v1 for a v1 payment where the facilitator lists v1 for the network', () => {
    const payment = scriptedPayment(1);
    expect(sent(payment, [V2, V1])).toEqual({
      x402Version: 1,
      paymentPayload: payment.submission.payload,
      paymentRequirements: {
        scheme: 'exact',
        network: 'base-sepolia',
        maxAmountRequired: '10000',
        resource: 'https://api.example.com/v1/weather?city=Oslo',
        description: '',
        mimeType: '',
        payTo: payment.offer.payTo,
        maxTimeoutSeconds: 60,
        asset: payment.offer.asset.address,
        extra: { name: 'USDC', version: '2' },
      },
    });
  });

  it.each([
    ['lists v2 only', [V2]],
    ['lists v1 for another network only', [V2, { ...V1, network: 'base' }]],
    ['lists v1 for another scheme only', [V2, { ...V1, scheme: 'upto' }]],
  ])('is v2 for a v1 payment where the facilitator %s', (_, kinds) => {
    const payment = scriptedPayment(1);
    const { requirements } = payment.offer;
    expect(sent(payment, kinds)).toEqual({
      x402Version: 2,
      paymentPayload: { x402Version: 2, accepted: requirements, payload: payment.submission.payload.payload },
      paymentRequirements: requirements,
    });
  });

  it('is v2 for a v1 payment on a network that v1 has no name for', () => {
    const payment = scriptedPayment(1, { ...scriptedOffer(), v1Network: undefined });
    expect(sent(payment, [V1, V2]).x402Version).toBe(2);
  });
});

describe('the request to settle a part of what was signed for', () => {
  it.each([
    [2, [V2], 'amount'],
    [1, [V1], 'maxAmountRequired'],
  ] as const)('made by v%i asks for that amount, and says the price only in what the payer accepted', (version, kinds, member) => {
    const payment = scriptedPayment(version);
    const request = wireRequest(payment, 7n as Amount, wireVersion(payment, kinds));
    expect(request.paymentRequirements).toMatchObject({ [member]: '7' });
    expect(JSON.stringify(request.paymentPayload)).toBe(JSON.stringify(sent(payment, kinds).paymentPayload));
  });
});

describe('the request for a payment that was read back from the ledger', () => {
  it.each([
    [2, [V1, V2], 2],
    [1, [V1, V2], 1],
    [1, [V2], 2],
  ] as const)('made by v%i is the same, byte for byte', (submitted, kinds, version) => {
    const payment = scriptedPayment(submitted);
    const readBack = decodeEvidence(encodeEvidence({ payment, repeatable: true, settle: 'before' }));
    if (readBack === undefined) throw new Error('the evidence cannot be read');
    expect(JSON.stringify(wireRequest(readBack.payment, payment.offer.amount, version))).toBe(
      JSON.stringify(sent(payment, kinds)),
    );
  });
});

describe('JSON from a facilitator', () => {
  const read = (text: string) => readWireJson(Buffer.from(text));

  it('is read when it is plain JSON', () => {
    expect(read('{"a":[1,"x",null,true]}')).toEqual({ a: [1, 'x', null, true] });
  });

  it('is refused when it is nested too deep, however deep', () => {
    expect(read(`${'['.repeat(25)}${']'.repeat(25)}`)).toBeUndefined();
    expect(read(`${'['.repeat(30_000)}${']'.repeat(30_000)}`)).toBeUndefined();
    expect(read('{"a":'.repeat(25) + 1 + '}'.repeat(25))).toBeUndefined();
  });

  it('is refused when it holds a __proto__ key anywhere', () => {
    expect(read('{"__proto__":{"isValid":true}}')).toBeUndefined();
    expect(read('{"extensions":[{"\\u005f_proto__":{}}]}')).toBeUndefined();
  });

  it('is refused when it is not UTF-8 or not JSON', () => {
    expect(readWireJson(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
    for (const text of ['', '<html>', '{"a":1}{"a":2}', 'undefined']) expect(read(text)).toBeUndefined();
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1, 12, 0, 0);

  it.each([
    ['7', 7],
    ['0', 1],
    ['9999999', 300],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 1],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j means %j seconds', (header, seconds) => {
    expect(readRetryAfter(header, now)).toBe(seconds);
  });
});
