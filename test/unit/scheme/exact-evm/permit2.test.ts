import { beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../../../../src/domain/network.ts';
import type { Offer } from '../../../../src/domain/offer.ts';
import type { Authorization } from '../../../../src/domain/payment.ts';
import type { JsonObject } from '../../../../src/domain/x402.ts';
import { PERMIT2 } from '../../../../src/evm/addresses.ts';
import { loadExactEvm } from '../../../../src/scheme/exact-evm/exact-evm.ts';
import type { Authentication, Scheme } from '../../../../src/scheme/scheme.ts';
import {
  buyer,
  exactOffer,
  type PermitText,
  reencode,
  signPermit,
  stranger,
} from '../../../support/exact-evm-payments.ts';

const NOW = 1_800_000_000;
const OFFER = exactOffer({ transferMethod: 'permit2' });
const OTHER = `0x${'99'.repeat(20)}`;
const TOKEN = OFFER.asset.address;
const { payTo } = OFFER;

let scheme: Scheme;
beforeAll(async () => {
  scheme = await loadExactEvm();
});

async function pay(changed: Partial<PermitText> = {}, offer = OFFER, signedFor = offer): Promise<Authentication> {
  return await present({ ...(await signedPayload(changed, signedFor)) }, offer);
}

async function signedPayload(changed: Partial<PermitText> = {}, signedFor = OFFER) {
  const { signature, permit2Authorization } = await signPermit(signedFor, NOW + 60, changed);
  const { permitted, witness, ...rest } = permit2Authorization;
  return { signature, permit2Authorization: { ...rest, permitted: { ...permitted }, witness: { ...witness } } };
}

async function present(payload: JsonObject, offer: Offer = OFFER): Promise<Authentication> {
  return await scheme.authenticate(payload, offer, NOW);
}

function authorizationOf(authentication: Authentication): Authorization {
  if (authentication.kind !== 'authentic') throw new Error(`not authentic: ${JSON.stringify(authentication)}`);
  return authentication.authorization;
}

describe('what the exact scheme tells a signer', () => {
  it('is the token domain for EIP-3009, and the transfer method for Permit2', () => {
    expect(scheme.extra(exactOffer().asset)).toEqual({ name: 'USDC', version: '2' });
    expect(scheme.extra(OFFER.asset)).toEqual({ assetTransferMethod: 'permit2' });
    expect([scheme.scheme, scheme.family]).toEqual(['exact', 'eip155']);
  });
});

describe('a signed Permit2 transfer', () => {
  it('is proved where it pays exactly the offer', async () => {
    expect(await pay()).toEqual({
      kind: 'authentic',
      authorization: {
        key: `eip155:84532|${PERMIT2}|${buyer.address.toLowerCase()}|7`,
        payer: buyer.address.toLowerCase(),
        expiresAt: NOW + 60,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        proved: true,
      },
    });
  });

  it.each([
    ['another spender', { spender: OTHER }, 'invalid_permit2_spender'],
    ['another recipient', { witness: { to: OTHER, validAfter: '0' } }, 'invalid_permit2_recipient_mismatch'],
    ['another token', { permitted: { token: OTHER, amount: '10000' } }, 'permit2_token_mismatch'],
    ['one unit too little', { permitted: { token: TOKEN, amount: '9999' } }, 'permit2_amount_mismatch'],
    ['one unit too much', { permitted: { token: TOKEN, amount: '10001' } }, 'permit2_amount_mismatch'],
    ['a deadline that is over', { deadline: String(NOW - 1) }, 'permit2_deadline_expired'],
    ['a deadline within 6 seconds', { deadline: String(NOW + 5) }, 'permit2_deadline_expired'],
    ['a deadline too far away', { deadline: String(NOW + 661) }, 'permit2_deadline_expired'],
    ['a later beginning', { witness: { to: payTo, validAfter: String(NOW + 1) } }, 'permit2_not_yet_valid'],
  ])('is refused for %s', async (_, changed, reason) => {
    expect(await pay(changed)).toMatchObject({ kind: 'refused', reason });
  });

  it('proves nothing where it was signed for another chain', async () => {
    const elsewhere = exactOffer({ transferMethod: 'permit2', network: 'eip155:8453' as Network });
    expect(authorizationOf(await pay({}, OFFER, elsewhere)).proved).toBe(false);
  });

  it.each([
    ['its deadline is over', { deadline: String(NOW - 300) }],
    ['its deadline is too far away', { deadline: String(NOW + 661) }],
    ['its beginning is later', { witness: { to: payTo, validAfter: String(NOW + 1) } }],
  ])('names its payment when only its time is wrong: %s', async (_, changed) => {
    const { key } = authorizationOf(await pay());
    expect(await pay(changed)).toMatchObject({ kind: 'refused', lapsed: { key, proved: true } });
  });

  it('does not name its payment when the token is wrong too', async () => {
    const permitted = { token: OTHER, amount: '10000' };
    expect(await pay({ deadline: String(NOW - 300), permitted })).not.toHaveProperty('lapsed');
  });
});

describe('the signature of a Permit2 transfer', () => {
  it.each([
    ['the malleable twin', reencode.highS],
    ['a v of 0 or 1', reencode.zeroV],
    ['EIP-2098 form', reencode.compact],
  ])("is refused as the account's own in a form that reverts: %s", async (_, changed) => {
    for (const nonce of ['1', '2', '3', '4']) {
      const payload = await signedPayload({ nonce });
      expect(await present({ ...payload, signature: changed(payload.signature) })).toEqual({
        kind: 'refused',
        reason: 'invalid_permit2_signature',
      });
    }
  });

  it('proves nothing when another account made it, or only a contract can judge it', async () => {
    const { signature } = await signPermit(OFFER, NOW + 60, {}, stranger);
    for (const other of [signature, `0x${'5a'.repeat(300)}`, '0x']) {
      expect(authorizationOf(await present({ ...(await signedPayload()), signature: other })).proved).toBe(false);
    }
  });
});

describe('the payment key of a Permit2 transfer', () => {
  it('is one over all encodings, and over tokens, whose nonces are the same', async () => {
    const { signature, permit2Authorization } = await signedPayload();
    const upper = { ...permit2Authorization, from: `0x${buyer.address.slice(2).toUpperCase()}` };
    const otherToken = exactOffer({ transferMethod: 'permit2', address: OTHER });
    const keys = [
      await present({ signature, permit2Authorization }),
      await present({ permit2Authorization: upper, signature }),
      await pay({}, otherToken),
    ].map((paid) => authorizationOf(paid).key);
    expect(new Set(keys).size).toBe(1);
  });

  it('differs by nonce, network and owner', async () => {
    const keys = [
      await pay(),
      await pay({ nonce: '8' }),
      await pay({ nonce: (2n ** 256n - 1n).toString() }),
      await pay({}, exactOffer({ transferMethod: 'permit2', network: 'eip155:8453' as Network })),
      await pay({ from: stranger.address }),
    ].map((paid) => authorizationOf(paid).key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('a malformed Permit2 payload', () => {
  const numbers = ['', '0x7', '+7', ' 7', '7e0', '07', 7, null, (2n ** 256n).toString()];
  const addresses = ['', '0x', 'a'.repeat(40), `0x${'g'.repeat(40)}`, `0X${'a'.repeat(40)}`, 7, null];

  it.each([
    ...['nonce', 'deadline'].flatMap((field) => numbers.map((bad) => [field, bad] as const)),
    ...['from', 'spender'].flatMap((field) => addresses.map((bad) => [field, bad] as const)),
    ...numbers.map((amount) => ['permitted', { token: TOKEN, amount }] as const),
    ...addresses.map((token) => ['permitted', { token, amount: '10000' }] as const),
    ...numbers.map((validAfter) => ['witness', { to: payTo, validAfter }] as const),
    ...addresses.map((to) => ['witness', { to, validAfter: '0' }] as const),
    ...['permitted', 'witness'].flatMap((field) => [null, [], 'x', {}].map((bad) => [field, bad] as const)),
  ])('is recognized by its %s of %j', async (field, bad) => {
    const { signature, permit2Authorization } = await signedPayload();
    const changed: JsonObject = { ...permit2Authorization, [field]: bad };
    expect(await present({ signature, permit2Authorization: changed })).toMatchObject({ kind: 'malformed' });
  });

  it('is one that carries an EIP-3009 authorization', async () => {
    const { signature, permit2Authorization } = await signedPayload();
    expect(await present({ signature, authorization: permit2Authorization })).toMatchObject({ kind: 'malformed' });
    expect(await present({ permit2Authorization })).toMatchObject({ kind: 'malformed' });
  });
});
