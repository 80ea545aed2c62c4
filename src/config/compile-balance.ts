import { type Amount, formatAmount } from '../domain/amount.ts';
import { type BalanceTerms, balanceDigits, balanceUnits, MOST_BALANCE_UNITS } from '../domain/balance.ts';
import type { Metering } from '../domain/metered-price.ts';
import type { Offer } from '../domain/offer.ts';
import { priceInUnits } from '../domain/price.ts';
import type { Place, Source } from './source.ts';

/** What calls of a route that sells a balance cost at most. */
export interface BalancePrice {
  /** The maximum, in whole units of the currency. */
  readonly upTo: string;
  readonly metering: Metering;
  /** Where it stands. */
  readonly place: Place;
}

/**
 * What a payment of one offer adds to a balance, and what a call takes of it at most; `undefined` after a problem was reported.
 *
 * @param place where the balance stands
 */
export function balanceTerms(
  offer: Offer,
  price: BalancePrice,
  place: Place,
  source: Source,
): BalanceTerms | undefined {
  const { network, asset } = offer;
  const { address, symbol, decimals } = asset;
  const bought = balanceUnits(offer.amount, asset);
  const digits = balanceDigits(asset);
  if (bought === undefined) {
    source.report(place, 'the balance has more digits than one is kept in', `at most ${digits} digits after the point`);
    return undefined;
  }
  if (bought > MOST_BALANCE_UNITS) {
    source.report(place, 'the balance is larger than one can be', 'a smaller balance');
    return undefined;
  }
  const upTo = mostOf(price, decimals, digits, source);
  if (upTo === undefined) return undefined;
  if (upTo > offer.amount) {
    source.report(place, 'the balance is smaller than what one call may cost', 'a balance of at least upTo');
    return undefined;
  }
  return {
    network,
    asset: address,
    symbol,
    decimals,
    amount: formatAmount(offer.amount),
    upTo: formatAmount(upTo),
  };
}

/** The maximum in atomic units, where it and the least charge can be had in a balance's units. */
function mostOf(
  { upTo, metering, place }: BalancePrice,
  decimals: number,
  digits: number,
  source: Source,
): Amount | undefined {
  const most = priceInUnits(upTo, digits);
  const least = metering.min === '0' ? undefined : priceInUnits(metering.min, digits);
  if (!most.ok) source.report(place, `upTo: ${most.wrong}`, most.right);
  if (least?.ok === false) source.report(place, `min: ${least.wrong}`, least.right);
  if (most.ok && least?.ok === true && least.value > most.value)
    source.report(place, 'min is above upTo', 'a min of at most upTo');
  const atomic = priceInUnits(upTo, decimals);
  const isSound = most.ok && atomic.ok && least?.ok !== false && (least?.value ?? 0n) <= most.value;
  return isSound ? atomic.value : undefined;
}
