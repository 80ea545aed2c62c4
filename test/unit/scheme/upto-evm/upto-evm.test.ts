import { uptoPermit2WitnessTypes, x402UptoPermit2ProxyAddress } from '@x402/evm';
import { getAddress, type Hex } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Offer } from '../../../../src/domain/offer.ts';
import { PERMIT2 } from '../../../../src/evm/addresses.ts';
import type { Authentication, Scheme } from '../../../../src/scheme/scheme.ts';
import { loadUptoEvm } from '../../../../src/scheme/upto-evm/upto-evm.ts';
import { buyer, exactOffer, reencode, stranger } from '../../../support/exact-evm-payments.ts';

const NOW = 1_800_000_000;
const FACILITATOR = getAddress(`0x${'fa'.repeat(20)}`);
const OTHER = getAddress(`0x${'99'.repeat(20)}`);
const EXACT = exactOffer({ amount: 50_000n });
const OFFER: Offer = {
  ...EXACT,
  scheme: 'upto',
  requirements: { ...EXACT.requirements, scheme: 'upto', extra: { facilitatorAddress: FACILITATOR } },
};
const TERMS = {
  permitted: { token: OFFER.asset.address, amount: '50000' },
  spender: x402UptoPermit2ProxyAddress as string,
  nonce: '7',
  deadline: String(NOW + 60),
  witness: { to: OFFER.payTo, facilitator: FACILITATOR as string, validAfter: '0' },
};

let scheme: Scheme;
beforeAll(async () => {
  scheme = await loadUptoEvm();
});

describe('What the upto scheme tells a signer', () => {
  it('is the token domain and Permit2, whatever the transfer method of the asset', () => {
    expect(scheme.extra(OFFER.asset)).toEqual({ name: 'USDC', version: '2', assetTransferMethod: 'permit2' });
    expect([scheme.scheme, scheme.family]).toEqual(['upto', 'eip155']);
  });
});

describe('A signed permit of up to an amount', () => {
  it('is proved where it is for the offer, under the key that any Permit2 payment of its nonce has', async () => {
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

  const witness = TERMS.witness;
  it.each([
    [
      'the spender of exact permits',
      { spender: '0x402085c248EeA27D92E8b30b2C58ed07f9E20001' },
      'invalid_permit2_spender',
    ],
    ['another recipient', { witness: { ...witness, to: OTHER } }, 'invalid_permit2_recipient_mismatch'],
    ['another facilitator', { witness: { ...witness, facilitator: OTHER } }, 'upto_facilitator_mismatch'],
    ['another token', { permitted: { ...TERMS.permitted, token: OTHER } }, 'permit2_token_mismatch'],
    ['one unit too little', { permitted: { ...TERMS.permitted, amount: '49999' } }, 'permit2_amount_mismatch'],
    ['one unit too much', { permitted: { ...TERMS.permitted, amount: '50001' } }, 'permit2_amount_mismatch'],
    ['a deadline within 6 seconds', { deadline: String(NOW + 5) }, 'permit2_deadline_expired'],
    ['a deadline too far away', { deadline: String(NOW + 661) }, 'permit2_deadline_expired'],
    ['a later beginning', { witness: { ...witness, validAfter: String(NOW + 1) } }, 'permit2_not_yet_valid'],
  ])('is refused for %s', async (_, changed, reason) => {
    expect(await pay(changed)).toMatchObject({ kind: 'refused', reason });
  });

  it('is known as lapsed where only its time is over', async () => {
    expect(await pay({ deadline: String(NOW - 1) })).toHaveProperty('lapsed.payer', buyer.address.toLowerCase());
  });

  it('is not proved by a signature of somebody else, and refused in a form that Permit2 does not take', async () => {
    expect(await pay({}, stranger)).toMatchObject({ kind: 'authentic', authorization: { proved: false } });
    const { signature, permit2Authorization } = await signed();
    const loose = { signature: reencode.highS(signature), permit2Authorization };
    expect(await scheme.authenticate(loose, OFFER, NOW)).toMatchObject({ reason: 'invalid_permit2_signature' });
  });

  it.each([
    ['without a witness', { witness: undefined }],
    ['without a facilitator', { witness: { to: witness.to, validAfter: '0' } }],
    ['with a negative amount', { permitted: { ...TERMS.permitted, amount: '-1' } }],
  ])('is malformed %s', async (_, change) => {
    const { signature, permit2Authorization } = await signed();
    const payload = JSON.parse(
      JSON.stringify({ signature, permit2Authorization: { ...permit2Authorization, ...change } }),
    );
    expect(await scheme.authenticate(payload, OFFER, NOW)).toMatchObject({ kind: 'malformed' });
  });
});

async function pay(changed: Partial<typeof TERMS> = {}, signer = buyer): Promise<Authentication> {
  return await scheme.authenticate(await signed(changed, signer), OFFER, NOW);
}

async function signed(changed: Partial<typeof TERMS> = {}, signer = buyer) {
  const terms = { ...TERMS, ...changed };
  const signature = await signer.signTypedData({
    domain: { name: 'Permit2', chainId: 84532, verifyingContract: PERMIT2 as Hex },
    types: uptoPermit2WitnessTypes,
    primaryType: 'PermitWitnessTransferFrom',
    message: {
      permitted: { token: terms.permitted.token as Hex, amount: BigInt(terms.permitted.amount) },
      spender: terms.spender as Hex,
      nonce: BigInt(terms.nonce),
      deadline: BigInt(terms.deadline),
      witness: {
        to: terms.witness.to as Hex,
        facilitator: terms.witness.facilitator as Hex,
        validAfter: BigInt(terms.witness.validAfter),
      },
    },
  });
  return { signature, permit2Authorization: { from: buyer.address as string, ...terms } };
}
