import { type Amount, formatAmount, sumAmounts } from './amount.ts';
import { CHARGE_SUCCESS } from './charge-rule.ts';
import type { Offer } from './offer.ts';
import type { PaidPrice, PricePart, SettleMode } from './route-price.ts';
import { sameSettings } from './same-settings.ts';

/** The name of a sum, after the route's name in its id; no entry may have this name. */
export const SUM_NAME = 'batch';

/** Strictest first: a batch takes the strictest mode of its calls. */
const SETTLE_ORDER: readonly SettleMode[] = ['before', 'after', 'deferred'];

/**
 * The price of a request with several calls: their sum, in each way to pay that all of them can be paid in. It depends
 * on the parts only, so that a paid retry finds the very offers that its 402 stated.
 *
 * A sum sells no pass.
 *
 * @param parts at least one, with the number of calls that each is paid for
 */
export function sumOf(routeName: string, parts: readonly PricePart[]): PaidPrice {
  const calls = parts.reduce((sum, { count }) => sum + count, 0);
  const modes = parts.map(({ price }) => price.settle);
  const [first] = parts;
  const isOneRule = parts.every(({ price }) => sameSettings(price.charge, first?.price.charge));
  return {
    kind: 'priced',
    id: `${routeName}#${SUM_NAME}`,
    when: [],
    description: `Sum of ${calls} calls`,
    text: parts.map(({ price, count }) => `${count} × ${price.text}`).join(' + '),
    offers: sumOffers(parts.map(({ price, count }) => ({ offers: price.offers, count }))),
    metering: undefined,
    settle: SETTLE_ORDER.find((mode) => modes.includes(mode)) ?? 'after',
    ...(parts.some(({ price }) => price.verify === 'always') && { verify: 'always' as const }),
    charge: isOneRule && first !== undefined ? first.price.charge : CHARGE_SUCCESS,
    access: undefined,
    parts,
  };
}

/** The offers of some calls, each with how often it is paid. */
export interface OffersOfCalls {
  readonly offers: readonly Offer[];
  readonly count: number;
}

/** The offers for the sum of some calls: one for each way to pay that all of them have. */
export function sumOffers([first, ...others]: readonly OffersOfCalls[]): readonly Offer[] {
  if (first === undefined) return [];
  return first.offers.flatMap((offer) => {
    const same = others.flatMap(({ offers, count }) => {
      const found = offers.find((other) => isSameWay(offer, other));
      return found === undefined ? [] : [{ ...found, count }];
    });
    if (same.length < others.length) return [];
    const amount = sumAmounts([{ ...offer, count: first.count }, ...same]);
    const maxTimeoutSeconds = Math.max(...[offer, ...same].map((each) => each.maxTimeoutSeconds));
    return [withAmount(offer, amount, maxTimeoutSeconds)];
  });
}

/** Whether two offers differ only in how much is paid, and in how long they hold. */
export function isSameWay(one: Offer, other: Offer): boolean {
  return (
    one.scheme === other.scheme &&
    one.network === other.network &&
    one.payTo === other.payTo &&
    one.asset.address === other.asset.address
  );
}

function withAmount({ access: _, ...offer }: Offer, amount: Amount, maxTimeoutSeconds: number): Offer {
  return {
    ...offer,
    amount,
    maxTimeoutSeconds,
    requirements: { ...offer.requirements, amount: formatAmount(amount), maxTimeoutSeconds },
  };
}
