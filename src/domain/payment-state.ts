/**
 * Where a payment stands. Contract §6. What of the answer has gone out is told by the state, except for deferred
 * settlements, whose answer goes first: their rows are marked `answered` on the way.
 *
 * | state | the money | the answer |
 * |---|---|---|
 * | `reserved` | not moved, nobody asked for it | not begun |
 * | `forwarding` | not moved, nobody asked for it | the upstream is working (`settle: after`) |
 * | `owed` | not asked for yet, will be in the background (`settle: deferred`) | going out, or gone |
 * | `settling` | asked for; outcome not known yet | withheld, unless `answered` |
 * | `unknown` | asked for; outcome in doubt | withheld, unless `answered`; only proof leads out |
 * | `undelivered` | moved | not delivered: the same payment may collect it without a new charge |
 * | `delivering` | moved | a request is delivering it |
 * | `delivered` | moved | delivered in full: final |
 * | `delivery_unknown` | moved | an unsafe call may have run: it is never made again; final |
 * | `redelivering` | moved | a request hands out the kept answer once more; no call is made |
 * | `released` | not moved, and was not asked for | the payment can be used again |
 * | `failed` | definitely not moved | withheld; the payment can be tried again, from verification on |
 * | `defaulted` | definitely not moved, and will not | gone out without money (`settle: deferred`): final |
 */
export type PaymentState =
  | 'reserved'
  | 'forwarding'
  | 'owed'
  | 'settling'
  | 'unknown'
  | 'undelivered'
  | 'delivering'
  | 'delivered'
  | 'delivery_unknown'
  | 'redelivering'
  | 'released'
  | 'failed'
  | 'defaulted';

/**
 * Every legal step, with the invariant that it keeps. A step that is not here does not exist.
 *
 * What a crash does: a row in `reserved` or `forwarding` has asked nobody for money, so it is released; one in
 * `settling` is resolved by proof; one in `owed` is settled by another process; one in `delivering` goes back to `undelivered` for safe
 * methods and to `delivery_unknown` for others.
 */
export const PAYMENT_TRANSITIONS: Readonly<Record<PaymentState, readonly PaymentState[]>> = {
  // Nobody was asked for the money yet: leaving costs nothing.
  reserved: ['forwarding', 'settling', 'released'],
  forwarding: ['owed', 'settling', 'released'],
  // Bytes are out: it is owed whatever becomes of the connection, or breaking off would be a free ride.
  owed: ['owed', 'settling'],
  // From here on only an answer or proof leads out, never a lease that ran out. To itself: the attempt is written down;
  // back to `owed`: nothing was sent, and it will be tried again.
  settling: [
    'settling',
    'delivering',
    'delivered',
    'undelivered',
    'delivery_unknown',
    'failed',
    'defaulted',
    'unknown',
    'owed',
  ],
  // To itself: looked into, and still in doubt. Back to `owed`: proof that nothing moved, while it still can.
  unknown: ['unknown', 'owed', 'delivered', 'undelivered', 'delivery_unknown', 'failed', 'defaulted'],
  // The money moved: no step leads back to a state without it.
  undelivered: ['delivering'],
  delivering: ['delivered', 'undelivered', 'delivery_unknown'],
  // A kept answer can be handed out once more; the call is never made again.
  delivered: ['redelivering'],
  delivery_unknown: ['redelivering'],
  redelivering: ['delivered', 'delivery_unknown'],
  // A new claim begins again, with a higher epoch.
  released: ['reserved', 'forwarding', 'settling'],
  failed: ['reserved', 'forwarding', 'settling'],
  // Served without money: the same payment buys nothing any more.
  defaulted: [],
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
