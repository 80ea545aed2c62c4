import type { Amount } from '../../domain/amount.ts';
import { networkFamily } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { isJsonObject, type Payment } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { member } from './wire-json.ts';

/** What an answer about a payment must agree with. */
export interface Expectation {
  readonly payer: string;
  readonly offer: Offer;
  /** What was asked for. */
  readonly amount: Amount;
  /** The spellings of our network that this answer may use: the v1 name is one only where v1 was asked. */
  readonly networks: readonly string[];
}

/** An EVM transaction hash. */
const EVM_TRANSACTION = /^0x[0-9a-fA-F]{64}$/;
/** Other families: base58 or hex in any length that can be meant seriously. */
const OTHER_TRANSACTION = /^[0-9A-Za-z_+/=:.-]{16,256}$/;

/** What an answer about moving `amount` for `payment` must agree with, when it was asked in `version`. */
export function expectationOf(payment: Payment, amount: Amount, version: 1 | 2): Expectation {
  const { offer, authorization } = payment;
  const networks = version === 1 && offer.v1Network !== undefined ? [offer.v1Network, offer.network] : [offer.network];
  return { payer: authorization.payer, offer, amount, networks };
}

/** Whether a payer that an answer names is ours. EVM addresses are compared without case: EIP-55 is only spelling. */
export function isPayer(named: string, { payer, offer }: Expectation): boolean {
  if (networkFamily(offer.network) !== 'eip155') return named === payer;
  return named.toLowerCase() === payer.toLowerCase();
}

/** Whether `text` is a transaction of the offer's network family. */
export function isTransaction(text: string, { offer }: Expectation): boolean {
  return (networkFamily(offer.network) === 'eip155' ? EVM_TRANSACTION : OTHER_TRANSACTION).test(text);
}

/** A member that may be absent or `null`, but if it is there is a string; `false` when it is something else. */
export function optionalText(object: JsonObject, name: string): string | undefined | false {
  const value = member(object, name);
  return value === undefined || typeof value === 'string' ? value : false;
}

/** A member that may be absent or `null`, but if it is there is an object; `false` when it is something else. */
export function optionalObject(object: JsonObject, name: string): JsonObject | undefined | false {
  const value = member(object, name);
  return value === undefined || isJsonObject(value) ? value : false;
}
