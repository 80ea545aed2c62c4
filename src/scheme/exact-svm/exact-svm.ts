import { hash } from 'node:crypto';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, type PaymentKey } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { hasSigned, isAddress } from '../../svm/public-key.ts';
import { decodeTransaction, type Transaction } from '../../svm/transaction.ts';
import type { Authentication, Scheme } from '../scheme.ts';
import { type Transfer, TransferRule } from './transfer-rule.ts';

/**
 * The `exact` scheme on Solana: a transaction that moves exactly the price, signed by the buyer and not yet by the
 * facilitator, which pays the fees and sends it.
 *
 * All that the official facilitator checks without a node is checked here in the same order and with its reasons: the
 * layout of a plain wallet's transaction, the fee payer, mint, payee and amount, and every signature but the fee
 * payer's. Payments of smart wallets, whose transfer only a simulation shows, are not taken.
 *
 * The payment key is the digest of the message that the buyer signed. Sending the message twice moves money once and
 * succeeds twice, so two requests with it have to be one payment, whatever signatures and fields come with it.
 *
 * @see x402 specification, `schemes/exact/scheme_exact_svm.md`
 */
export function createExactSvm(): Scheme {
  const rule = new TransferRule();
  return {
    scheme: 'exact',
    family: 'solana',
    extra: () => ({}),
    facts: ({ feePayer }) => (typeof feePayer === 'string' && isAddress(feePayer) ? { feePayer } : undefined),
    paymentKey(payload, offer) {
      const bytes = readBase64(payload['transaction']);
      const transaction = bytes && decodeTransaction(bytes);
      return transaction && keyOf(transaction, offer);
    },
    authenticate: (payload, offer, now) => authenticate(payload, offer, now, rule),
  };
}

function authenticate(payload: JsonObject, offer: Offer, now: number, rule: TransferRule): Authentication {
  const bytes = readBase64(payload['transaction']);
  if (bytes === undefined) return { kind: 'malformed', detail: 'payload.transaction is not base64' };
  const transaction = decodeTransaction(bytes);
  if (transaction === undefined) return refused('invalid_exact_svm_payload_transaction_could_not_be_decoded');
  if (transaction.signers[0] !== offer.requirements.extra['feePayer']) {
    return refused('invalid_exact_svm_fee_payer_mismatch');
  }
  if (!isSignedByAll(transaction)) return refused('invalid_exact_svm_payload_signature_invalid');
  const transfer = rule.read(transaction, offer);
  if (typeof transfer === 'string') return refused(transfer);
  return { kind: 'authentic', authorization: authorizationOf(payload, transaction, transfer, offer, now) };
}

function authorizationOf(
  payload: JsonObject,
  transaction: Transaction,
  { authority }: Transfer,
  offer: Offer,
  now: number,
) {
  return {
    key: keyOf(transaction, offer),
    payer: authority,
    // A blockhash ends after a number of blocks, not at a time: within two minutes on a healthy chain.
    expiresAt: Math.floor(now) + offer.maxTimeoutSeconds,
    digest: hash('sha256', canonicalJson(payload)),
    proved: true,
  };
}

function keyOf({ message }: Transaction, { network }: Offer): PaymentKey {
  return `${network}|${hash('sha256', message)}` as PaymentKey;
}

/** Whether all have signed except the fee payer, who signs last. */
function isSignedByAll({ signerKeys, signatures, message }: Transaction): boolean {
  return signerKeys.every((key, index) => {
    const signature = signatures[index];
    return index === 0 || (signature !== undefined && hasSigned(key, message, signature));
  });
}

/** The bytes have one accepted text, so that a transaction in another spelling is not another payload. */
function readBase64(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? bytes : undefined;
}

function refused(reason: string): Authentication {
  return { kind: 'refused', reason };
}
