import { randomBytes } from 'node:crypto';
import { privateKeyToAccount } from 'viem/accounts';
import type { Payer } from '../devnet.ts';
import { TRANSFER_TYPES } from '../exact-evm-payments.ts';
import { changed, mppChallengesOf, partsOf, signChallenge, writeCredential } from '../mpp.ts';
import { toHeader } from '../payment-header.ts';
import { longAgo, otherEnd, sendToChain, startEvmWorld } from './evm-world.ts';
import type { Field, PaymentKind } from './payment-kind.ts';

/** That of all gateways of one seller: each of them knows the challenges of the others. */
const KEY = randomBytes(32).toString('hex');

/** MPP: `evm`/`charge` with an authorization of EIP-3009. */
export const mppOnEvm: PaymentKind = {
  name: 'MPP on EVM',
  // Its buyers get the receipt with the answer.
  onCredit: false,
  forOneRoute: true,
  start: () =>
    startEvmWorld(
      {
        async sign(devnet, payer, url, method) {
          const response = await fetch(url, { method });
          await response.arrayBuffer();
          const [challenge] = mppChallengesOf(response);
          if (challenge === undefined) throw new Error(`status ${response.status} without a challenge`);
          const credential = await signChallenge(payer.key, challenge);
          const required = response.headers.get('payment-required') ?? '';
          const [accepted] = JSON.parse(Buffer.from(required, 'base64').toString('utf8')).accepts;
          const payload = x402Payload(credential);
          return {
            field: fieldOf(credential),
            spellings: spellings(credential),
            tampered: tampered(credential),
            inAnotherProtocol: ['PAYMENT-SIGNATURE', toHeader({ x402Version: 2, accepted, payload })],
            frontRun: () => sendToChain(devnet, payload),
          };
        },
        signExpired,
      },
      `protocols: [x402, mpp]\nmpp: { keys: ["${KEY}"] }\n`,
    ),
};

function fieldOf(credential: string): Field {
  return ['Authorization', credential];
}

function x402Payload(credential: string): { signature: `0x${string}`; authorization: Record<string, string> } {
  const { signature, type: _type, ...authorization } = partsOf(credential).payload as Record<string, string>;
  return { signature: signature as `0x${string}`, authorization };
}

function spellings(credential: string): Field[] {
  const parts = partsOf(credential);
  const { from, signature } = parts.payload as Record<string, string>;
  const upper = `0x${(signature ?? '').slice(2).toUpperCase()}`;
  const opaque = JSON.parse(Buffer.from(String(parts.challenge['opaque']), 'base64url').toString('utf8'));
  return [
    fieldOf(credential),
    fieldOf(credential.replace(/^Payment/, 'payment')),
    fieldOf(`Bearer of-the-api, ${credential}`),
    fieldOf(changed(credential, { payload: { from: (from ?? '').toLowerCase(), signature: upper } })),
    fieldOf(changed(credential, { challenge: { opaque, more: 1 }, payload: { more: 1 } })),
    fieldOf(writeCredential({ nonsense: true, ...parts })),
    fieldOf(`Payment ${Buffer.from(JSON.stringify(parts, null, 2)).toString('base64url')}`),
  ];
}

function tampered(credential: string): (readonly [string, Field])[] {
  const { payload } = partsOf(credential) as { payload: Record<string, string> };
  const request = Buffer.from(JSON.stringify({ amount: '1' })).toString('base64url');
  const cases: readonly (readonly [string, string])[] = [
    ['the payee', changed(credential, { payload: { to: `0x${'11'.repeat(20)}` } })],
    ['the payer', changed(credential, { payload: { from: `0x${'11'.repeat(20)}` } })],
    ['the amount', changed(credential, { payload: { value: '999' } })],
    ['the end', changed(credential, { payload: { validBefore: String(Number(payload['validBefore']) + 1) } })],
    ['the nonce', changed(credential, { payload: { nonce: otherEnd(payload['nonce'] ?? '') } })],
    ['the signature', changed(credential, { payload: { signature: `0x${'11'.repeat(64)}1b` } })],
    ['the price that it says it accepted', changed(credential, { challenge: { request } })],
    ['the id of its challenge', changed(credential, { challenge: { id: 'x'.repeat(43) } })],
  ];
  return cases.map(([part, text]) => [part, fieldOf(text)]);
}

/** As a client would that signs another end than that of its challenge. */
async function signExpired(payer: Payer, url: string): Promise<Field> {
  const response = await fetch(url);
  await response.arrayBuffer();
  const [challenge] = mppChallengesOf(response);
  if (challenge === undefined) throw new Error('a 402 without a challenge');
  const credential = await signChallenge(payer.key, challenge);
  const { from, to, value, nonce } = x402Payload(credential).authorization as Record<string, `0x${string}`>;
  const { chainId } = (challenge.request as { methodDetails: { chainId: number } }).methodDetails;
  const verifyingContract = (challenge.request as { currency: `0x${string}` }).currency;
  const validBefore = longAgo();
  const signature = await privateKeyToAccount(payer.key).signTypedData({
    domain: { name: 'USDC', version: '2', chainId, verifyingContract },
    types: TRANSFER_TYPES,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: from ?? '0x',
      to: to ?? '0x',
      value: BigInt(value ?? 0),
      validAfter: 0n,
      validBefore: BigInt(validBefore),
      nonce: nonce ?? '0x',
    },
  });
  return fieldOf(changed(credential, { payload: { validBefore, signature } }));
}
