import { hash } from 'node:crypto';
import { type Network, networkFamily } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, type PaymentKey, UNNAMED_PAYER } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import type { Authentication, Scheme } from '../scheme.ts';
import { algorandPayment } from './algorand-payment.ts';
import { aptosPayment } from './aptos-payment.ts';
import { UnreadablePayment } from './byte-reader.ts';
import { hederaPayment } from './hedera-payment.ts';
import { stellarPayment } from './stellar-payment.ts';

/**
 * Reads the unique part of a payment, for families whose payloads have a known form: the part that the chain takes
 * once, whatever comes with it. Throws {@link UnreadablePayment}.
 */
const READERS: Readonly<Record<string, (payload: JsonObject) => string>> = {
  algorand: (payload) => algorandPayment(inGroup(payload)),
  aptos: (payload) => aptosPayment(base64Of(payload, 'transaction')),
  hedera: (payload) => hederaPayment(base64Of(payload, 'transaction')),
  stellar: (payload) => stellarPayment(base64Of(payload, 'transaction')),
};

/** Far above what any of these chains takes. */
const MOST_CHARACTERS = 65_536;
/** Of Algorand. */
const MOST_IN_GROUP = 16;

/**
 * The `exact` scheme on families where only a remote facilitator can judge what was signed, by whom, and what it moves.
 *
 * The payment key is made of the part of the payload that the chain takes once; for a family with unknown payloads, of
 * the whole payload. The payer is known once the facilitator has verified the payment.
 *
 * @see x402 specification, `schemes/exact/scheme_exact_{stellar,algo,aptos,hedera}.md`
 */
export function createExactAny(): Scheme {
  return {
    scheme: 'exact',
    family: undefined,
    unchecked: (network) =>
      isRead(network)
        ? 'a payment is told from others here, and nothing else of it is checked: the facilitator alone says whether it pays, and who did'
        : 'a payment is not read here: the facilitator alone says whether it pays, who did, and that it was not taken before',
    extra: () => ({}),
    facts: (extra) => extra,
    paymentKey: (payload, offer) => readable(() => keyOf(payload, offer)),
    authenticate,
  };
}

function isRead(network: Network): boolean {
  return Object.hasOwn(READERS, networkFamily(network));
}

function authenticate(payload: JsonObject, offer: Offer, now: number): Authentication {
  let detail = '';
  const authorization = readable(
    () => authorizationOf(payload, offer, now),
    (fault) => {
      detail = fault.message;
    },
  );
  return authorization === undefined ? { kind: 'malformed', detail } : { kind: 'authentic', authorization };
}

/** What `read` reads; `undefined` where the payload cannot be read, and `onFault` is told why. */
function readable<Value>(read: () => Value, onFault?: (fault: UnreadablePayment) => void): Value | undefined {
  try {
    return read();
  } catch (fault) {
    if (!(fault instanceof UnreadablePayment)) throw fault;
    onFault?.(fault);
    return undefined;
  }
}

function keyOf(payload: JsonObject, { network }: Offer): PaymentKey {
  const read = isRead(network) ? READERS[networkFamily(network)] : undefined;
  return `${network}|${hash('sha256', (read ?? wholeOf)(payload))}` as PaymentKey;
}

function authorizationOf(payload: JsonObject, offer: Offer, now: number) {
  return {
    key: keyOf(payload, offer),
    payer: UNNAMED_PAYER,
    expiresAt: Math.floor(now) + offer.maxTimeoutSeconds,
    digest: hash('sha256', canonicalJson(payload)),
    proved: false,
  };
}

function wholeOf(payload: JsonObject): string {
  if (Object.keys(payload).length === 0) throw new UnreadablePayment('is empty');
  return canonicalJson(payload);
}

/** The paying transaction of a group, which the payload names by its place. */
function inGroup(payload: JsonObject): Buffer {
  const [group, index] = [payload['paymentGroup'], payload['paymentIndex']];
  if (!Array.isArray(group) || group.length === 0 || group.length > MOST_IN_GROUP) {
    throw new UnreadablePayment('has no list of transactions in payload.paymentGroup');
  }
  if (typeof index !== 'number' || !Object.hasOwn(group, index)) {
    throw new UnreadablePayment('names no transaction of payload.paymentGroup by payload.paymentIndex');
  }
  return base64Of({ transaction: group[index] as Json }, 'transaction');
}

/** The bytes have one accepted text, so that a transaction in another spelling is not another payload. */
function base64Of(payload: JsonObject, name: string): Buffer {
  const text = payload[name];
  if (typeof text === 'string' && text !== '' && text.length <= MOST_CHARACTERS) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') === text) return bytes;
  }
  throw new UnreadablePayment(`is not base64 in payload.${name}`);
}
