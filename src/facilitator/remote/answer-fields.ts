import type { Amount } from '../../domain/amount.ts';
import { type NetworkFamilies, type NetworkFamily, sameAddress } from '../../domain/network-family.ts';
import type { Offer } from '../../domain/offer.ts';
import { isJsonObject, type Payment } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { member } from './wire-json.ts';

/** The facts that an answer about a payment must agree with. */
export interface Expectation {
  readonly payer: string;
  readonly offer: Offer;
  /** That of the offer's network. */
  readonly family: NetworkFamily;
  /** What was asked for. */
  readonly amount: Amount;
  /** The names of our network: some facilitators answer with its v1 name, in whatever version they were asked. */
  readonly networks: readonly string[];
}

/** What an answer about moving `amount` for `payment` must agree with. */
export function expectationOf(payment: Payment, amount: Amount, families: NetworkFamilies): Expectation {
  const { offer, authorization } = payment;
  const networks = offer.v1Network === undefined ? [offer.network] : [offer.v1Network, offer.network];
  return { payer: authorization.payer, offer, family: families.of(offer.network), amount, networks };
}

/** Whether a payer that an answer names is ours, in whatever spelling. */
export function isPayer(named: string, { payer, family }: Expectation): boolean {
  return sameAddress(family, named, payer);
}

/** Whether `text` is a transaction of the offer's network family. */
export function isTransaction(text: string, { family }: Expectation): boolean {
  return family.isTransaction(text);
}

/** A member that may be absent or `null`, but if it is there is a string; `false` when it is something else. */
export function optionalText(object: JsonObject, name: string): string | undefined | false {
  const value = member(object, name);
  return value === undefined || typeof value === 'string' ? value : false;
}

/** The payer that an answer names, if any: some facilitators write an empty one where they name none. `false` as above. */
export function statedPayer(object: JsonObject): string | undefined | false {
  const payer = optionalText(object, 'payer');
  return payer === '' ? undefined : payer;
}

/** A member that may be absent or `null`, but if it is there is an object; `false` when it is something else. */
export function optionalObject(object: JsonObject, name: string): JsonObject | undefined | false {
  const value = member(object, name);
  return value === undefined || isJsonObject(value) ? value : false;
}
