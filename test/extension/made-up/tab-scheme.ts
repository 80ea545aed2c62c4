import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import type { Offer } from '../../../src/domain/offer.ts';
import { canonicalJson, type PaymentKey } from '../../../src/domain/payment.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import type { Authentication, Scheme } from '../../../src/scheme/scheme.ts';
import { publicKeyOf } from './moor-family.ts';

/*
 * A made-up scheme on that family: the buyer signs for a maximum, and what a call costs is known only after its answer.
 */

/** What stands before a raw ed25519 key in DER (RFC 8410). */
const DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export const tabScheme: Scheme = {
  scheme: 'tab',
  family: 'moor',
  extra: () => ({ rule: 'at most' }),
  paymentKey: ({ account, serial }, { network }) => `${network}|${account}|${serial}` as PaymentKey,
  authenticate(payload, offer, now): Authentication {
    const { account, most, serial, signature } = payload;
    if (typeof account !== 'string' || typeof most !== 'string') return malformed('account and most are texts');
    if (typeof serial !== 'string' || typeof signature !== 'string') return malformed('serial and signature are texts');
    const key = publicKeyOf(account);
    if (key === undefined) return malformed('account is none of Moor');
    const isSigned = verify(null, signedText(most, serial, offer), keyObject(key), Buffer.from(signature, 'base64'));
    if (!isSigned || most !== String(offer.amount)) return { kind: 'refused', reason: 'invalid_tab' };
    return {
      kind: 'authentic',
      authorization: {
        key: `${offer.network}|${account}|${serial}` as PaymentKey,
        payer: account,
        expiresAt: Math.floor(now) + offer.maxTimeoutSeconds,
        digest: hash('sha256', canonicalJson(payload)),
        proved: true,
      },
    };
  },
};

/** Signs for an offer as a wallet of Moor does. */
export function signTab(
  wallet: { readonly account: string; readonly key: KeyObject },
  serial: string,
  offer: Pick<Offer, 'amount' | 'payTo'>,
): JsonObject {
  const most = String(offer.amount);
  const signature = sign(null, signedText(most, serial, offer), wallet.key).toString('base64');
  return { account: wallet.account, most, serial, signature };
}

function signedText(most: string, serial: string, { payTo }: Pick<Offer, 'payTo'>): Buffer {
  return Buffer.from(`${serial}: at most ${most} to ${payTo}`);
}

function keyObject(key: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([DER_PREFIX, key]), format: 'der', type: 'spki' });
}

function malformed(detail: string): Authentication {
  return { kind: 'malformed', detail };
}
