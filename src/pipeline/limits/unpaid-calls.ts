import type { Payment } from '../../domain/payment.ts';

/** Room for a call that is not paid yet; call it to release the room. May be called again. */
export type UnpaidCall = () => void;

/**
 * Counts the calls of each payer that are at the upstream before their money moved. A balance that covers one call
 * backs any number of verified payments until the first is settled: without a bound, the price of one call would start
 * a thousand. Each process counts for itself.
 */
export class UnpaidCalls {
  /** By payer, then by payment: copies of one payment share their room, since only one of them can be claimed. */
  readonly #byPayer = new Map<string, Map<string, number>>();

  /** Takes room, or returns `undefined` where the payer has `most` payments under way. */
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
