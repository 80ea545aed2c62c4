import { formatUnits } from '../../domain/amount.ts';
import type { Asset } from '../../domain/asset.ts';
import type { PayableOffer } from '../pay/payable-offer.ts';
import { overLimit, type SpendingLimit } from '../pay/spending-limit.ts';

/**
 * The most that may be spent in all. Each token is counted separately, in its atomic units, because values of different
 * tokens cannot be compared. A price is counted before the payment is signed, because the signature is enough to take
 * the money.
 */
export class Budget {
  readonly #limit: SpendingLimit;
  readonly #spent = new Map<string, bigint>();

  constructor(limit: SpendingLimit) {
    this.#limit = limit;
  }

  /** Takes the price of an offer out of the budget. Says why not, where it is not in it. */
  take(offer: PayableOffer): string | undefined {
    const key = `${offer.networkId} ${offer.assetAddress.toLowerCase()}`;
    const amount = (this.#spent.get(key) ?? 0n) + offer.amount;
    const why = overLimit(this.#limit, { ...offer, amount: amount as PayableOffer['amount'] });
    if (why !== undefined)
      return `the budget is used up: with ${spentText(amount - offer.amount, offer.asset)} spent, ${why}`;
    this.#spent.set(key, amount);
    return undefined;
  }
}

function spentText(amount: bigint, asset: Asset | undefined): string {
  if (asset === undefined) return `${amount} atomic units`;
  return `${formatUnits(amount as PayableOffer['amount'], asset.decimals)} ${asset.symbol}`;
}
