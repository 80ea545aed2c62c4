import type { Payment } from '../domain/payment.ts';
import type { Route } from '../domain/route.ts';
import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import type { Services } from './runtime.ts';
import type { AuthorizedPayment } from './stages.ts';

/**
 * Milliseconds before the end of an authorization at which an answer on credit has to be over: the time that the
 * configuration reserves for a settlement (`maxTimeoutSeconds` is at least the time of the call plus this). A stream
 * paid by a balance is cut equally early.
 */
export const SETTLE_MS = 30_000;
/** The longest delay of a timer, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long an answer may go on before its money moves, in milliseconds; 0: it must not begin. */
export function creditMsLeft({ authorization }: Pick<Payment, 'authorization'>, now: number): number {
  return Math.min(LONGEST_TIMER_MS, Math.max(0, authorization.expiresAt * 1000 - SETTLE_MS - now));
}

/**
 * How long an answer that is charged afterwards is read, in milliseconds: as long as the route waits for a head, and no
 * longer than its payment leaves for the settlement. A payment that is about to expire gives half of what is left.
 *
 * @param expiresAt Unix seconds
 */
export function msToRead({ timeoutMs }: Pick<Route, 'timeoutMs'>, expiresAt: number, now: number): number {
  const left = Math.max(0, expiresAt * 1000 - now);
  return Math.min(timeoutMs, Math.max(left - SETTLE_MS, left / 2));
}

/**
 * Cuts an answer on credit that would outlive its payment: a slow reader, or a stream without an end, would delay the
 * settlement until the money can no longer move. The payment is `owed` when the answer is cut, and is settled for what
 * went out; a crash on either side also finds it `owed`.
 *
 * @param onCut is called before the answer is cut
 * @returns ends the watch
 */
export function cutInTime(
  { authorized, response }: { readonly authorized: AuthorizedPayment; readonly response: UpstreamResponse },
  { after, clock }: Pick<Services, 'after' | 'clock'>,
  onCut: () => void = () => {},
): () => void {
  return after(creditMsLeft(authorized.payment, clock()), () => {
    onCut();
    response.cut(new Error('the answer would have outlived its payment'));
  });
}
