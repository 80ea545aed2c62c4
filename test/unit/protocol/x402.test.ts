import { describe, expect, it } from 'vitest';
import type { Network } from '../../../src/domain/network.ts';
import type { Receipt } from '../../../src/domain/receipt.ts';
import type { Json, JsonObject } from '../../../src/domain/x402.ts';
import { decodeHeaderJson } from '../../../src/protocol/header-json.ts';
import type { Match, Protocol } from '../../../src/protocol/protocol.ts';
import { x402V1 } from '../../../src/protocol/v1/x402-v1.ts';
import { x402V2 } from '../../../src/protocol/v2/x402-v2.ts';
import { families } from '../../../src/registry.ts';
import { exactOffer } from '../../support/exact-evm-payments.ts';

const URL_PAID = 'https://api.example.com/v1/weather?city=Oslo';
const SEPOLIA = exactOffer();
const BASE = { ...exactOffer({ network: 'eip155:8453' as Network, name: 'USD Coin' }), v1Network: 'base' };
const PERMIT2_OFFER = exactOffer({ transferMethod: 'permit2', address: `0x${'98'.repeat(20)}` });
const OFFERS = [SEPOLIA, BASE, PERMIT2_OFFER];
const ACCEPTED: JsonObject = { ...SEPOLIA.requirements };
const V2: JsonObject = { x402Version: 2, accepted: ACCEPTED, payload: { signature: '0x' } };
const V1: JsonObject = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: { signature: '0x' } };

const toHeader = (value: Json) => Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
const read = (protocol: Protocol, value: Json) => protocol.read(toHeader(value));
/** The part of a payment that facilitators get, where the offer does not matter. */
const decode = (protocol: Protocol, value: Json): unknown => {
  const submitted = read(protocol, value);
  return submitted.kind === 'malformed' ? submitted : submitted.submission.paying(SEPOLIA);
};
const without = (object: JsonObject, key: string) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

function match(protocol: Protocol, value: Json, offers = OFFERS, url = URL_PAID): Match {
  const submitted = read(protocol, value);
  if (submitted.kind === 'malformed') throw new Error(submitted.detail);
  return submitted.submission.match(offers, { resourceUrl: url, route: 'route', now: 0, families });
}

describe('a v2 payment', () => {
  it.each([
    ['with nothing optional', V2, {}],
    ['with null for what is optional', { ...V2, resource: null, extensions: null }, {}],
    [
      'with what is optional',
      { ...V2, resource: { url: 'x' }, extensions: { a: {} } },
      { resource: { url: 'x' }, extensions: { a: {} } },
    ],
    ['with fields of later versions, which are left out', { ...V2, later: [1] }, {}],
  ])('is decoded %s', (_, value, optional) => {
    expect(decode(x402V2, value)).toEqual({ version: 2, payload: { ...V2, ...optional } });
  });

  it('pays an offer whose money moves upfront, also with a quote that does not state so', () => {
    const { extra } = SEPOLIA.requirements;
    const upfront = {
      ...SEPOLIA,
      requirements: { ...SEPOLIA.requirements, extra: { ...extra, paymentFlow: 'upfront' } },
    };
    const kindFor = (told: JsonObject) =>
      match(x402V2, { ...V2, accepted: { ...ACCEPTED, extra: { ...extra, ...told } } }, [upfront]).kind;
    expect(kindFor({ paymentFlow: 'upfront' })).toBe('matched');
    expect(kindFor({})).toBe('matched');
    expect(kindFor({ paymentFlow: 'authorization' })).toBe('refused');
    expect(kindFor({ paymentFlow: null })).toBe('refused');
  });

  it.each([null, undefined])('may accept an offer with %j for extra', (extra) => {
    const accepted = extra === null ? { ...ACCEPTED, extra } : without(ACCEPTED, 'extra');
    const payload = { ...V2, accepted: { ...ACCEPTED, extra: {} } };
    expect(decode(x402V2, { ...V2, accepted })).toEqual({ version: 2, payload });
  });

  it.each([
    ...[null, [], 'x', 1, true, [V2]].map((value) => ['as a whole', value] as const),
    ...[1, 3, '2', 2.5, null, true, {}].map((x402Version) => ['version', { ...V2, x402Version }] as const),
    ...['x402Version', 'accepted', 'payload'].map((key) => [`no ${key}`, without(V2, key)] as const),
    ...['accepted', 'payload', 'resource', 'extensions'].flatMap((key) =>
      [[], 'x', 1, false].map((bad) => [key, { ...V2, [key]: bad }] as const),
    ),
    ...[null].flatMap((bad) => ['accepted', 'payload'].map((key) => [key, { ...V2, [key]: bad }] as const)),
    ...['scheme', 'network', 'amount', 'asset', 'payTo'].flatMap((key) =>
      [null, 1, [], {}, false].map(
        (bad) => [`accepted.${key}`, { ...V2, accepted: { ...ACCEPTED, [key]: bad } }] as const,
      ),
    ),
    ...['scheme', 'network', 'amount', 'asset', 'payTo', 'maxTimeoutSeconds'].map(
      (key) => [`accepted without ${key}`, { ...V2, accepted: without(ACCEPTED, key) }] as const,
    ),
    ...['', '-1', '1.5', '1e4', '0x2710', '+10000', ' 10000', '010000'].map(
      (amount) => ['accepted.amount', { ...V2, accepted: { ...ACCEPTED, amount } }] as const,
    ),
    ...['60', null, [60], {}].map(
      (bad) => ['accepted.maxTimeoutSeconds', { ...V2, accepted: { ...ACCEPTED, maxTimeoutSeconds: bad } }] as const,
    ),
    ...['x', 1, []].map((extra) => ['accepted.extra', { ...V2, accepted: { ...ACCEPTED, extra } }] as const),
    ['a v1 payment', V1] as const,
  ])('is malformed by its shape, %s: case %#', (_, value) => {
    expect(decode(x402V2, value)).toEqual({ kind: 'malformed', detail: expect.any(String) });
  });

  it('is malformed when its header does not decode', () => {
    expect(x402V2.read('!')).toMatchObject({ kind: 'malformed' });
    expect(x402V2.read(Buffer.from('{').toString('base64'))).toMatchObject({ kind: 'malformed' });
  });
});

describe('what a v2 payment pays', () => {
  it('is the offer that it repeats, and no other', () => {
    for (const offer of OFFERS) {
      expect(match(x402V2, { ...V2, accepted: { ...offer.requirements } })).toEqual({
        kind: 'matched',
        offers: [offer],
      });
    }
  });

  it.each([
    ['addresses in lower case', { asset: SEPOLIA.asset.address.toLowerCase(), payTo: SEPOLIA.payTo.toLowerCase() }],
    ['more in extra than we wrote', { extra: { ...SEPOLIA.requirements.extra, added: { a: 1 } } }],
    ['extra in another order', { extra: { version: '2', name: 'USDC' } }],
  ])('may be repeated with %s', (_, changed) => {
    expect(match(x402V2, { ...V2, accepted: { ...ACCEPTED, ...changed } })).toEqual({
      kind: 'matched',
      offers: [SEPOLIA],
    });
  });

  it.each([
    ['another amount', { amount: '1' }, 'invalid_payment_requirements'],
    ['an amount above ours', { amount: '10001' }, 'invalid_payment_requirements'],
    ['another recipient', { payTo: `0x${'99'.repeat(20)}` }, 'invalid_payment_requirements'],
    ['another asset', { asset: `0x${'99'.repeat(20)}` }, 'invalid_payment_requirements'],
    ['another time limit', { maxTimeoutSeconds: 61 }, 'invalid_payment_requirements'],
    ['another token name', { extra: { name: 'X', version: '2' } }, 'invalid_payment_requirements'],
    ['a part of extra left out', { extra: { name: 'USDC' } }, 'invalid_payment_requirements'],
    ['no extra', { extra: null }, 'invalid_payment_requirements'],
    ['another network', { network: 'eip155:1' }, 'invalid_network'],
    ['a v1 network name', { network: 'base-sepolia' }, 'invalid_network'],
    ['another scheme', { scheme: 'upto' }, 'unsupported_scheme'],
    ['another casing of the scheme', { scheme: 'Exact' }, 'unsupported_scheme'],
  ])('is none of ours with %s', (_, changed, reason) => {
    expect(match(x402V2, { ...V2, accepted: { ...ACCEPTED, ...changed } })).toEqual({ kind: 'refused', reason });
  });

  it('compares addresses of other families exactly', () => {
    const network = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' as Network;
    const solana = exactOffer({ network, address: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v' });
    const accepted: JsonObject = { ...solana.requirements };
    expect(match(x402V2, { ...V2, accepted }, [solana])).toMatchObject({ kind: 'matched' });
    const lower = { ...accepted, asset: solana.requirements.asset.toLowerCase() };
    expect(match(x402V2, { ...V2, accepted: lower }, [solana])).toMatchObject({ kind: 'refused' });
  });

  it.each([
    ['no resource', null],
    ['a resource without URL', { description: 'x' }],
    ['our URL', { url: URL_PAID }],
    ['our URL with a slash at its end, before a redirect', { url: `${URL_PAID}/` }],
    ['our path behind another host or with another query', { url: 'http://internal:8402/v1/weather?city=x' }],
  ])('may be stated with %s', (_, resource) => {
    expect(match(x402V2, { ...V2, resource })).toMatchObject({ kind: 'matched' });
  });

  it('for a URL with a query may state it without, as it was quoted before, or with another one', () => {
    const asked = `${URL_PAID}?city=Berlin`;
    for (const url of [asked, URL_PAID, `${URL_PAID}?city=Paris`]) {
      expect(match(x402V2, { ...V2, resource: { url } }, undefined, asked)).toMatchObject({ kind: 'matched' });
    }
  });

  it.each([
    { url: 'https://api.example.com/v1/other' },
    { url: 'https://api.example.com/v1/weather//' },
    { url: 'https://api.example.com/v1/' },
    { url: '/v1/weather' },
    { url: '' },
    { url: 'weather' },
    { url: 1 },
    { url: null },
    { url: [] },
  ])('is another resource with %j', (resource) => {
    expect(match(x402V2, { ...V2, resource })).toEqual({ kind: 'refused', reason: 'resource_mismatch' });
  });
});

describe('a v1 payment', () => {
  it('is decoded, and only its own fields', () => {
    const submitted = { version: 1, payload: V1 };
    expect(decode(x402V1, V1)).toEqual(submitted);
    expect(decode(x402V1, { ...V1, accepted: {}, extensions: 1 })).toEqual(submitted);
  });

  it.each([
    ...[null, [], 'x', 1].map((value) => ['as a whole', value] as const),
    ...[2, 0, '1', null, true].map((x402Version) => ['version', { ...V1, x402Version }] as const),
    ...['x402Version', 'scheme', 'network', 'payload'].map((key) => [`no ${key}`, without(V1, key)] as const),
    ...['scheme', 'network'].flatMap((key) => [null, 1, [], {}].map((bad) => [key, { ...V1, [key]: bad }] as const)),
    ...[null, 1, [], 'x'].map((payload) => ['payload', { ...V1, payload }] as const),
    ['a v2 payment', V2] as const,
  ])('is malformed by its shape, %s: case %#', (_, value) => {
    expect(decode(x402V1, value)).toEqual({ kind: 'malformed', detail: expect.any(String) });
  });

  it('can pay each offer of its network, and none of v2 only', () => {
    const dearer = exactOffer({ amount: 20_000n });
    expect(match(x402V1, V1, [...OFFERS, dearer])).toEqual({ kind: 'matched', offers: [SEPOLIA, dearer] });
    expect(match(x402V1, { ...V1, network: 'base' })).toEqual({ kind: 'matched', offers: [BASE] });
  });

  it.each([
    ['a network that is not offered', { network: 'polygon' }, 'invalid_network'],
    ['a CAIP-2 network', { network: 'eip155:84532' }, 'invalid_network'],
    ['the word undefined', { network: 'undefined' }, 'invalid_network'],
    ['another scheme', { scheme: 'upto' }, 'unsupported_scheme'],
  ])('pays nothing with %s', (_, changed, reason) => {
    expect(match(x402V1, { ...V1, ...changed })).toEqual({ kind: 'refused', reason });
  });

  it('pays nothing where every offer is for v2 only', () => {
    expect(match(x402V1, V1, [PERMIT2_OFFER])).toEqual({ kind: 'refused', reason: 'unsupported_scheme' });
  });
});

describe('the receipt', () => {
  const facts = { network: SEPOLIA.network, v1Network: SEPOLIA.v1Network, payer: '0x01' };
  const settled = { kind: 'settled', transaction: '0xab', amount: SEPOLIA.amount, settledAt: 0, ...facts } as const;
  const failed: Receipt = { kind: 'failed', reason: 'insufficient_funds', transaction: undefined, ...facts };
  const promised: Receipt = { kind: 'promised', amount: SEPOLIA.amount, ...facts };
  const written = (protocol: Protocol, receipt: Receipt): unknown =>
    protocol.receipt(receipt, 200).map(([name, value]) => {
      const read = decodeHeaderJson(value);
      return [name, read.ok && read.value];
    });

  it('carries everything to v2 clients', () => {
    const value = { success: true, transaction: '0xab', network: 'eip155:84532', payer: '0x01', amount: '10000' };
    expect(written(x402V2, settled)).toEqual([['PAYMENT-RESPONSE', value]]);
    const extensions = { 'access-pass': { info: {} } };
    expect(written(x402V2, { ...settled, extensions })).toEqual([['PAYMENT-RESPONSE', { ...value, extensions }]]);
    expect(written(x402V2, promised)).toEqual([['PAYMENT-RESPONSE', { ...value, transaction: '' }]]);
  });

  it('says to v2 clients why there is no settlement', () => {
    const facts = { success: false, transaction: '', network: 'eip155:84532', payer: '0x01' };
    expect(written(x402V2, failed)).toEqual([['PAYMENT-RESPONSE', { ...facts, errorReason: 'insufficient_funds' }]]);
  });

  it('names the network as v1 clients know it, and holds no field that they do not know', () => {
    const value = { success: true, transaction: '0xab', network: 'base-sepolia', payer: '0x01' };
    expect(written(x402V1, { ...settled, extensions: { a: {} } })).toEqual([['X-PAYMENT-RESPONSE', value]]);
    expect(written(x402V1, promised)).toEqual([['X-PAYMENT-RESPONSE', { ...value, transaction: '' }]]);
  });

  it('says to v1 clients why there is no settlement', () => {
    const facts = { success: false, transaction: '', network: 'base-sepolia', payer: '0x01' };
    expect(written(x402V1, failed)).toEqual([['X-PAYMENT-RESPONSE', { ...facts, errorReason: 'insufficient_funds' }]]);
  });
});
