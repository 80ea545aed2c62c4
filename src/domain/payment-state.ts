/**
 * Where a payment stands. Contract §6.
 *
 * | state | the money | the answer |
 * |---|---|---|
 * | `reserved` | not moved, nobody asked for it | not begun |
 * | `forwarding` | not moved, nobody asked for it | the upstream is working (`settle: after`) |
 * | `settling` | asked for; outcome not known yet | withheld |
 * | `unknown` | asked for; outcome in doubt | withheld; only proof leads out |
 * | `undelivered` | moved | not delivered: the same payment may collect it without a new charge |
 * | `delivering` | moved | a request is delivering it |
 * | `delivered` | moved | delivered in full: final |
 * | `delivery_unknown` | moved | an unsafe call may have run: never run again by itself; final |
 * | `released` | not moved, and was not asked for | the payment can be used again |
 * | `failed` | definitely not moved | the payment can be tried again, from verification on |
 */
export type PaymentState =
  | 'reserved'
  | 'forwarding'
  | 'settling'
  | 'unknown'
  | 'undelivered'
  | 'delivering'
  | 'delivered'
  | 'delivery_unknown'
  | 'released'
  | 'failed';

/**
 * Every legal step, with the invariant that it keeps. A step that is not here does not exist.
 *
 * What a crash does: a row in `reserved` or `forwarding` has asked nobody for money, so it is released; one in
 * `settling` becomes `unknown` and is resolved by proof; one in `delivering` goes back to `undelivered` for safe
 * methods and to `delivery_unknown` for others.
 */
export const PAYMENT_TRANSITIONS: Readonly<Record<PaymentState, readonly PaymentState[]>> = {
  // Nobody was asked for the money yet: leaving costs nothing.
  reserved: ['forwarding', 'settling', 'released'],
  forwarding: ['settling', 'released'],
  // From here on only an answer or proof leads out, never a lease that ran out.
  settling: ['delivering', 'undelivered', 'failed', 'unknown'],
  unknown: ['delivering', 'undelivered', 'failed'],
  // The money moved: no step leads back to a state without it.
  undelivered: ['delivering'],
  delivering: ['delivered', 'undelivered', 'delivery_unknown'],
  delivered: [],
  delivery_unknown: [],
  // A new claim begins again, with a higher epoch.
  released: ['reserved', 'forwarding', 'settling'],
  failed: ['reserved', 'forwarding', 'settling'],
};

/** A state that a claim may begin in; `settling` writes ahead that money is about to be asked for, in one act. */
export type ClaimState = 'reserved' | 'forwarding' | 'settling';

/** Whether `to` may directly follow `from`. A claim is such a step, too. */
export function mayFollow(from: PaymentState, to: PaymentState): boolean {
  return PAYMENT_TRANSITIONS[from].includes(to);
}

/** Whether a payment in this state can be claimed anew: its money did not move and is not being moved. */
export function isClaimable(state: PaymentState): boolean {
  return state === 'released' || state === 'failed';
}
