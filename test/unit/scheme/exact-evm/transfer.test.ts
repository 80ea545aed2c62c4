import { beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../../../../src/domain/network.ts';
import type { Offer } from '../../../../src/domain/offer.ts';
import type { Authorization } from '../../../../src/domain/payment.ts';
import type { JsonObject } from '../../../../src/domain/x402.ts';
import { loadExactEvm } from '../../../../src/scheme/exact-evm/exact-evm.ts';
import type { Authentication, Scheme } from '../../../../src/scheme/scheme.ts';
import {
  buyer,
  exactOffer,
  reencode,
  signTransfer,
  stranger,
  type TransferText,
} from '../../../support/exact-evm-payments.ts';

const NOW = 1_800_000_000;
const OFFER = exactOffer();
const BAD_SIGNATURE = 'invalid_exact_evm_signature';
const BAD_BEFORE = 'invalid_exact_evm_payload_authorization_valid_before';
const BAD_AFTER = 'invalid_exact_evm_payload_authorization_valid_after';
const BAD_VALUE = 'invalid_exact_evm_payload_authorization_value_mismatch';

let scheme: Scheme;
beforeAll(async () => {
  scheme = await loadExactEvm();
});

/** Signs for `signedFor`, with `changed` signed too, and presents it for `offer`. */
async function pay(changed: Partial<TransferText> = {}, offer = OFFER, signedFor = offer): Promise<Authentication> {
  const { signature, authorization } = await signTransfer(signedFor, NOW + 60, changed);
  return await present({ signature, authorization: { ...authorization } }, offer);
}

async function present(payload: JsonObject, offer: Offer = OFFER): Promise<Authentication> {
  return await scheme.authenticate(payload, offer, NOW);
}

function authorizationOf(authentication: Authentication): Authorization {
  if (authentication.kind !== 'authentic') throw new Error(`not authentic: ${JSON.stringify(authentication)}`);
  return authentication.authorization;
}

describe('a signed EIP-3009 transfer', () => {
  it('is proved where it pays exactly the offer', async () => {
    expect(await pay()).toEqual({
      kind: 'authentic',
      authorization: {
        key: `eip155:84532|0x036cbd53842c5426634e7929541ec2318f3dcf7e|${buyer.address.toLowerCase()}|0x${'ab'.repeat(32)}`,
        payer: buyer.address.toLowerCase(),
        expiresAt: NOW + 60,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        proved: true,
      },
    });
  });

  it.each([
    ['one unit too little', { value: '9999' }, BAD_VALUE],
    ['one unit too much', { value: '10001' }, BAD_VALUE],
    ['nothing', { value: '0' }, BAD_VALUE],
    ['somebody else', { to: `0x${'99'.repeat(20)}` }, 'invalid_exact_evm_recipient_mismatch'],
    ['after its end', { validBefore: String(NOW - 1) }, BAD_BEFORE],
    ['at its end', { validBefore: String(NOW) }, BAD_BEFORE],
    ['within 6 seconds of its end', { validBefore: String(NOW + 5) }, BAD_BEFORE],
    ['before its beginning', { validAfter: String(NOW + 1) }, BAD_AFTER],
    ['for longer than an hour and a slack', { validBefore: String(NOW + 4201) }, BAD_BEFORE],
    ['for ever', { validBefore: (2n ** 256n - 1n).toString() }, BAD_BEFORE],
  ])('is refused where it pays %s', async (_, changed, reason) => {
    expect(await pay(changed)).toMatchObject({ kind: 'refused', reason });
  });

  it.each([
    ['6 seconds before its end', { validBefore: String(NOW + 6) }],
    ['at its beginning', { validAfter: String(NOW) }],
    ['with a begin ten minutes ago, as v1 clients sign', { validAfter: String(NOW - 600) }],
    ['for an hour, as Go clients sign whatever the offer says', { validBefore: String(NOW + 3600) }],
    ['at the end of the slack for clocks', { validBefore: String(NOW + 4200) }],
  ])('is good %s', async (_, changed) => {
    expect(authorizationOf(await pay(changed)).proved).toBe(true);
  });

  it.each([
    ['another asset', exactOffer({ address: `0x${'98'.repeat(20)}` })],
    ['another chain', exactOffer({ network: 'eip155:8453' as Network })],
    ['another token name', exactOffer({ name: 'USD Coin' })],
    ['another token version', exactOffer({ version: '1' })],
  ])('proves nothing where it was signed for %s', async (_, signedFor) => {
    expect(authorizationOf(await pay({}, OFFER, signedFor)).proved).toBe(false);
  });
});

describe('an EIP-3009 transfer of which only the time is wrong', () => {
  it.each([
    ['its time is over', { validBefore: String(NOW - 300) }],
    ['it has not begun, as when the clock was put back', { validAfter: String(NOW + 1) }],
    ['it lasts too long, as when the clock was put back', { validBefore: String(NOW + 9999) }],
  ])('still names its payment, so that its buyer can ask for the outcome: %s', async (_, changed) => {
    const { key } = authorizationOf(await pay());
    expect(await pay(changed)).toMatchObject({ kind: 'refused', lapsed: { key, proved: true } });
  });

  it.each([
    ['the amount is wrong too', { validBefore: String(NOW - 300), value: '1' }],
    ['the recipient is wrong too', { validBefore: String(NOW - 300), to: `0x${'99'.repeat(20)}` }],
    ['it has not begun, and the amount is wrong too', { validAfter: String(NOW + 1), value: '1' }],
  ])('names no payment where %s', async (_, changed) => {
    expect(await pay(changed)).not.toHaveProperty('lapsed');
  });
});

describe('the signature of an EIP-3009 transfer', () => {
  it.each([
    ['the malleable twin', reencode.highS],
    ['a v of 0 or 1', reencode.zeroV],
    ['EIP-2098 form', reencode.compact],
    ['a v of 29', (signature: `0x${string}`) => reencode.withV(signature, 29)],
    ['the wrong parity', (signature: `0x${string}`) => reencode.withV(signature, signature.endsWith('1b') ? 28 : 27)],
  ])("is refused in a form that tokens revert on: the account's own, as %s", async (_, changed) => {
    for (const nonce of ['0a', '0b', '0c', '0d']) {
      const { signature, authorization } = await signTransfer(OFFER, NOW + 60, { nonce: `0x${nonce.repeat(32)}` });
      const payload = { signature: changed(signature), authorization: { ...authorization } };
      expect(await present(payload)).toEqual({ kind: 'refused', reason: BAD_SIGNATURE });
    }
  });

  it('proves nothing when another account made it: an owner may sign for a smart account', async () => {
    const { signature, authorization } = await signTransfer(OFFER, NOW + 60, {}, stranger);
    expect(authorizationOf(await present({ signature, authorization: { ...authorization } })).proved).toBe(false);
  });

  it.each([
    '0x',
    '0x00',
    `0x${'00'.repeat(65)}`,
    `0x${'ff'.repeat(65)}`,
    `0x${'00'.repeat(64)}`,
    `0x${'5a'.repeat(300)}`,
  ])('proves nothing when only a contract can judge it: case %#', async (signature) => {
    const { authorization } = await signTransfer(OFFER, NOW + 60);
    expect(authorizationOf(await present({ signature, authorization: { ...authorization } })).proved).toBe(false);
  });

  it('proves nothing once a byte is appended', async () => {
    const { signature, authorization } = await signTransfer(OFFER, NOW + 60);
    const payload = { signature: `${signature}00`, authorization: { ...authorization } };
    expect(authorizationOf(await present(payload)).proved).toBe(false);
  });

  it('is reported as forged before any other problem', async () => {
    const { signature, authorization } = await signTransfer(OFFER, NOW - 60, { value: '1' });
    const payload = { signature: reencode.highS(signature), authorization: { ...authorization } };
    expect(await present(payload)).toEqual({ kind: 'refused', reason: BAD_SIGNATURE });
  });
});

describe('the payment key of an EIP-3009 transfer', () => {
  it('is one over all encodings of one authorization', async () => {
    const { signature, authorization } = await signTransfer(OFFER, NOW + 60);
    const upper = (hex: string) => `0x${hex.slice(2).toUpperCase()}`;
    const copies: JsonObject[] = [
      { signature, authorization: { ...authorization } },
      { authorization: Object.fromEntries(Object.entries(authorization).reverse()), signature },
      { signature: upper(signature), authorization: { ...authorization, nonce: upper(authorization.nonce) } },
      { signature, authorization: { ...authorization, from: upper(buyer.address), to: OFFER.payTo.toLowerCase() } },
      { signature, authorization: { ...authorization, from: buyer.address.toLowerCase() }, more: [1] },
    ];
    const read = await Promise.all(copies.map(async (copy) => authorizationOf(await present(copy))));
    expect(new Set(read.map(({ key }) => key)).size).toBe(1);
    expect(read.every(({ proved }) => proved)).toBe(true);
  });

  it('has a digest that tells payloads apart, and not the order of their keys', async () => {
    const { signature, authorization } = await signTransfer(OFFER, NOW + 60);
    const one = authorizationOf(await present({ signature, authorization: { ...authorization } }));
    const turned = { authorization: Object.fromEntries(Object.entries(authorization).reverse()), signature };
    expect(authorizationOf(await present(turned)).digest).toBe(one.digest);
    const other = { signature: `0x${'5a'.repeat(65)}`, authorization: { ...authorization } };
    expect(authorizationOf(await present(other))).not.toMatchObject({ digest: one.digest });
  });

  it('differs by nonce, asset, network and payer', async () => {
    const keys = [
      await pay(),
      await pay({ nonce: `0x${'cd'.repeat(32)}` }),
      await pay({}, exactOffer({ address: `0x${'98'.repeat(20)}` })),
      await pay({}, exactOffer({ network: 'eip155:8453' as Network })),
      await pay({ from: stranger.address }),
    ].map((paid) => authorizationOf(paid).key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is the same for an asset that the price table spells in another casing', async () => {
    const lower = exactOffer({ address: OFFER.asset.address.toLowerCase() });
    expect(authorizationOf(await pay({}, lower)).key).toBe(authorizationOf(await pay()).key);
  });
});

const BAD_NUMBERS = ['', ' ', '0x10', '+1', '-1', ' 1', '1 ', '1e3', '01', '1.0', '١', (2n ** 256n).toString()];
const BAD_ADDRESSES = ['', '0x', `0x${'a'.repeat(39)}`, `0x${'a'.repeat(41)}`, 'a'.repeat(40), `0X${'a'.repeat(40)}`];
const NOT_TEXT = [undefined, null, 1, true, {}, ['0x']];

describe('a malformed EIP-3009 payload', () => {
  it('is told that its numbers are texts', async () => {
    const { signature, authorization } = await signTransfer(OFFER, NOW + 60);
    const payload = { signature, authorization: { ...authorization, validBefore: NOW + 60 } };
    expect(await present(payload)).toEqual({ kind: 'malformed', detail: expect.stringContaining('numbers are texts') });
  });

  it.each([
    ...['value', 'validAfter', 'validBefore'].flatMap((field) => BAD_NUMBERS.map((bad) => [field, bad] as const)),
    ...['from', 'to'].flatMap((field) => [...BAD_ADDRESSES, `0x${'g'.repeat(40)}`].map((bad) => [field, bad] as const)),
    ...['0x', `0x${'ab'.repeat(31)}`, `0x${'ab'.repeat(33)}`, 'ab'.repeat(32), `0x${'zz'.repeat(32)}`].map(
      (bad) => ['nonce', bad] as const,
    ),
    ...['from', 'to', 'value', 'validAfter', 'validBefore', 'nonce'].flatMap((field) =>
      NOT_TEXT.map((bad) => [field, bad] as const),
    ),
  ])('is recognized by its %s of %j', async (field, bad) => {
    const { signature, authorization } = await signTransfer(OFFER, NOW + 60);
    const { [field]: _, ...others }: Record<string, string> = { ...authorization };
    const changed: JsonObject = bad === undefined ? others : { ...others, [field]: bad };
    expect(await present({ signature, authorization: changed })).toMatchObject({ kind: 'malformed' });
  });

  it.each([
    ...NOT_TEXT,
    '',
    'ab'.repeat(65),
    '0xabc',
    `0x${'zz'.repeat(65)}`,
    `0X${'ab'.repeat(65)}`,
    ` 0x${'ab'.repeat(65)}`,
    `0x${'ab'.repeat(4097)}`,
  ])('is recognized by its signature: case %#', async (bad) => {
    const { authorization } = await signTransfer(OFFER, NOW + 60);
    const payload: JsonObject = {
      authorization: { ...authorization },
      ...(bad === undefined ? {} : { signature: bad }),
    };
    expect(await present(payload)).toMatchObject({ kind: 'malformed' });
  });

  it.each([undefined, null, [], 'x', 1])('is recognized by an authorization of %j', async (bad) => {
    const payload: JsonObject = { signature: '0x00', ...(bad === undefined ? {} : { authorization: bad }) };
    expect(await present(payload)).toMatchObject({ kind: 'malformed' });
  });
});
