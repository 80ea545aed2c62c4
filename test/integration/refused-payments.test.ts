import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import {
  encodePayment,
  handSigned,
  highS,
  type PaymentParts,
  type Requirement,
  toHeader,
} from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;
let gateway: TestGateway;
let buyer: Payer;
let requirement: Requirement;

const STRANGER = privateKeyToAccount(generatePrivateKey()).address;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
  const routes = 'routes:\n  - { path: /paid, price: $0.001 }\n';
  gateway = await startTestGateway(settings(devnet, upstream.url, { kind: 'remote', url: official.url }) + routes);
  buyer = await freshPayer(devnet);
  const challenge = challengeOf(await fetch(`${gateway.url}/paid`));
  requirement = challenge.accepts[0] as unknown as Requirement;
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close(), official.close()]);
});

interface Attempt {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly response: Response;
  readonly facilitatorCalls: number;
  readonly upstreamCalls: number;
}

async function attempt(headers: Record<string, string>): Promise<Attempt> {
  const before = official.calls.verify + official.calls.settle;
  const seenBefore = upstream.seen.length;
  const response = await fetch(`${gateway.url}/paid`, { headers });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    response,
    facilitatorCalls: official.calls.verify + official.calls.settle - before,
    upstreamCalls: upstream.seen.length - seenBefore,
  };
}

const seconds = (fromNow: number): string => String(Math.floor(Date.now() / 1000) + fromNow);

type Forge = () => Promise<PaymentParts>;

const LOCALLY_REFUSED: readonly (readonly [what: string, reason: string, forge: Forge])[] = [
  [
    'a smaller amount than the price',
    'invalid_exact_evm_payload_authorization_value_mismatch',
    () => handSigned(buyer.key, requirement, { authorization: { value: '999' } }),
  ],
  [
    'a larger amount than the price',
    'invalid_exact_evm_payload_authorization_value_mismatch',
    () => handSigned(buyer.key, requirement, { authorization: { value: '1001' } }),
  ],
  [
    'another recipient',
    'invalid_exact_evm_recipient_mismatch',
    () => handSigned(buyer.key, requirement, { authorization: { to: STRANGER } }),
  ],
  [
    'an expired authorization',
    'invalid_exact_evm_payload_authorization_valid_before',
    () => handSigned(buyer.key, requirement, { authorization: { validBefore: seconds(-1) } }),
  ],
  [
    'an authorization that ends before it can settle',
    'invalid_exact_evm_payload_authorization_valid_before',
    () => handSigned(buyer.key, requirement, { authorization: { validBefore: seconds(3) } }),
  ],
  [
    'an authorization that is good for a year',
    'invalid_exact_evm_payload_authorization_valid_before',
    () => handSigned(buyer.key, requirement, { authorization: { validBefore: seconds(31_536_000) } }),
  ],
  [
    'an authorization that is not valid yet',
    'invalid_exact_evm_payload_authorization_valid_after',
    () => handSigned(buyer.key, requirement, { authorization: { validAfter: seconds(30) } }),
  ],
  [
    'a high-s signature',
    'invalid_exact_evm_signature',
    async () => {
      const parts = await handSigned(buyer.key, requirement);
      return { ...parts, signature: highS(parts.signature) };
    },
  ],
  [
    'a signature with v of 0 or 1',
    'invalid_exact_evm_signature',
    async () => {
      const parts = await handSigned(buyer.key, requirement);
      const v = parts.signature.endsWith('1b') ? '00' : '01';
      return { ...parts, signature: `0x${parts.signature.slice(2, 130)}${v}` };
    },
  ],
  [
    'an amount in the offer that is not ours',
    'invalid_payment_requirements',
    () => handSigned(buyer.key, { ...requirement, amount: '1' }),
  ],
  [
    'a recipient in the offer that is not ours',
    'invalid_payment_requirements',
    () => handSigned(buyer.key, { ...requirement, payTo: STRANGER }),
  ],
  [
    'an asset in the offer that is not ours',
    'invalid_payment_requirements',
    () => handSigned(buyer.key, { ...requirement, asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' }),
  ],
  ['another network', 'invalid_network', () => handSigned(buyer.key, { ...requirement, network: 'eip155:8453' })],
  ['an unknown scheme', 'unsupported_scheme', () => handSigned(buyer.key, { ...requirement, scheme: 'upto' })],
  [
    'a payment made for another resource',
    'resource_mismatch',
    async () => ({
      ...(await handSigned(buyer.key, requirement)),
      resource: { url: `${gateway.url}/another` },
    }),
  ],
];

describe('a payment that a local check refuses', () => {
  it.each(LOCALLY_REFUSED)('is answered with 402 for %s (%s)', async (_what, reason, forge) => {
    const tried = await attempt({ 'PAYMENT-SIGNATURE': encodePayment(await forge()) });
    expect(tried).toMatchObject({ status: 402, facilitatorCalls: 0, upstreamCalls: 0 });
    const challenge = challengeOf(tried.response);
    expect(challenge.error).toBe(reason);
    expect(challenge.accepts).toEqual([requirement]);
    expect(tried.body).toMatchObject({ x402Version: 1, error: reason });
    expect(tried.response.headers.get('cache-control')).toBe('no-store');
  });
});

describe('a payment of a client whose clock is wrong', () => {
  it.each([
    [
      'behind',
      { validBefore: () => seconds(-100) },
      /^The payment ended 10\d s before 20.*Z, which is the time here\.$/,
    ],
    ['ahead', { validAfter: () => seconds(100) }, /^The payment ends \d+ s after 20.*Z, which is the time here\.$/],
  ])('is told the time here, and when the payment ends by it (%s)', async (_way, stated, words) => {
    const [[name, value] = ['', () => '']] = Object.entries(stated);
    const forged = await handSigned(buyer.key, requirement, { authorization: { [name]: value() } });
    const { body } = await attempt({ 'PAYMENT-SIGNATURE': encodePayment(forged) });
    expect(body).toMatchObject({ detail: expect.stringMatching(words) });
  });
});

describe('a payment that only the chain can refuse', () => {
  it.each<readonly [string, string, Forge]>([
    [
      "another account's signature",
      'invalid_exact_evm_signature',
      () => handSigned(generatePrivateKey(), requirement, { authorization: { from: buyer.address } }),
    ],
    [
      'a signature over another chain',
      'invalid_exact_evm_signature',
      () => handSigned(buyer.key, requirement, { domain: { chainId: 8453 } }),
    ],
    [
      'a signature over another token',
      'invalid_exact_evm_signature',
      () => handSigned(buyer.key, requirement, { domain: { verifyingContract: STRANGER } }),
    ],
    [
      'random bytes for a signature',
      'invalid_exact_evm_signature',
      async () => ({ ...(await handSigned(buyer.key, requirement)), signature: `0x${'5a'.repeat(64)}1b` }),
    ],
  ])('is answered with 402 for %s and never reaches the upstream', async (_what, reason, forge) => {
    const tried = await attempt({ 'PAYMENT-SIGNATURE': encodePayment(await forge()) });
    expect(tried).toMatchObject({ status: 402, upstreamCalls: 0 });
    expect(challengeOf(tried.response).error).toBe(reason);
  });

  it('is answered with 402 when the payer has no money', async () => {
    const parts = await handSigned(generatePrivateKey(), requirement);
    const tried = await attempt({ 'PAYMENT-SIGNATURE': encodePayment(parts) });
    expect(tried).toMatchObject({ status: 402, upstreamCalls: 0 });
    expect(challengeOf(tried.response).error).toBe('invalid_exact_evm_insufficient_balance');
  });
});

describe('a payment header that is no payment', () => {
  const good = async (): Promise<string> => encodePayment(await handSigned(buyer.key, requirement));
  const v1 = async (): Promise<string> => {
    const { authorization, signature } = await handSigned(buyer.key, requirement);
    return toHeader({
      x402Version: 1,
      scheme: 'exact',
      network: 'base-sepolia',
      payload: { signature, authorization },
    });
  };

  it.each<readonly [string, string, () => Promise<Record<string, string>>]>([
    ['20 KB', 'payment_header_too_large', async () => ({ 'PAYMENT-SIGNATURE': 'A'.repeat(20_000) })],
    ['invalid base64', 'payment_malformed', async () => ({ 'PAYMENT-SIGNATURE': '%%%not base64%%%' })],
    [
      'base64url',
      'payment_malformed',
      async () => ({ 'PAYMENT-SIGNATURE': `${Buffer.from('{"x":"\u{3fff}\u{3fff}~~~???"}').toString('base64url')}_-` }),
    ],
    ['JSON that is no object', 'payment_malformed', async () => ({ 'PAYMENT-SIGNATURE': toHeader([1]) })],
    ['an empty object', 'payment_malformed', async () => ({ 'PAYMENT-SIGNATURE': toHeader({}) })],
    ['a v1 payment in the v2 header', 'payment_malformed', async () => ({ 'PAYMENT-SIGNATURE': await v1() })],
    ['a v2 payment in the v1 header', 'payment_malformed', async () => ({ 'X-PAYMENT': await good() })],
    ['version 3', 'payment_malformed', async () => ({ 'PAYMENT-SIGNATURE': toHeader({ x402Version: 3 }) })],
    [
      'an amount in hexadecimal',
      'payment_malformed',
      async () => {
        const parts = await handSigned(buyer.key, requirement);
        return {
          'PAYMENT-SIGNATURE': encodePayment({ ...parts, authorization: { ...parts.authorization, value: '0x3e8' } }),
        };
      },
    ],
  ])('is answered with 400 and the price for %s', async (_what, code, headers) => {
    const tried = await attempt(await headers());
    expect(tried).toMatchObject({ status: 400, facilitatorCalls: 0, upstreamCalls: 0, body: { code } });
    expect(challengeOf(tried.response).accepts).toEqual([requirement]);
  });

  it('is answered with 400 when there are two different ones', async () => {
    const tried = await attempt({ 'PAYMENT-SIGNATURE': await good(), 'X-PAYMENT': await v1() });
    expect(tried).toMatchObject({ status: 400, facilitatorCalls: 0, upstreamCalls: 0 });
    expect(tried.body['code']).toBe('payment_header_repeated');
  });
});
