import type { Payment } from '../../domain/payment.ts';

/** A place for a call that is not paid yet. Giving it back twice does no harm. */
export type UnpaidCall = () => void;

/**
 * Counts the calls of each payer that are at the upstream before their money moved. A balance that covers one call is
 * good for any number of verified payments until the first is settled: without a bound, one coin would set a thousand
 * calls going. Each process counts for itself.
 */
export class UnpaidCalls {
  /** By payer, then by payment: copies of one payment share a place, since only one of them can be claimed. */
  readonly #byPayer = new Map<string, Map<string, number>>();

  /** Takes a place, or gives `undefined` where the payer has `most` payments under way. */
  begin({ authorization, offer }: Pick<Payment, 'authorization' | 'offer'>, most: number): UnpaidCall | undefined {
    const { key } = authorization;
    const payer = `${offer.network}|${authorization.payer}`;
    const calls = this.#byPayer.get(payer) ?? new Map<string, number>();
    const copies = calls.get(key) ?? 0;
    if (copies === 0 && calls.size >= most) return undefined;
    calls.set(key, copies + 1);
    this.#byPayer.set(payer, calls);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (calls.get(key) ?? 1) - 1;
      if (left > 0) calls.set(key, left);
      else calls.delete(key);
      if (calls.size === 0) this.#byPayer.delete(payer);
    };
  }
}
