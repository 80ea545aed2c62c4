import { isClaimable, mayFollow, PAYMENT_TRANSITIONS, type PaymentState } from '../domain/payment-state.ts';

/*
 * The sets of states that the interfaces of this folder speak of, for every store alike.
 */

/** Every state. */
export const STATES: readonly PaymentState[] = Object.keys(PAYMENT_TRANSITIONS).filter(isState);
/** A process holds the payment, and leaves it open when it goes. */
export const HELD: readonly PaymentState[] = [
  'reserved',
  'forwarding',
  'owed',
  'settling',
  'delivering',
  'redelivering',
];
/** `Upkeep.takeOpen` may have to take it, whatever its `checkAt` was when the money moved. */
export const OPEN: readonly PaymentState[] = [...HELD, 'unknown'];
/** The money moved, and no request is at work. */
export const RESTING: readonly PaymentState[] = ['delivered', 'undelivered', 'delivery_unknown'];
/** The money moved. */
export const SETTLED: readonly PaymentState[] = [...RESTING, 'delivering', 'redelivering'];
/** The settlement is open. */
const SETTLING: readonly PaymentState[] = ['settling', 'unknown'];
/** The answer went out before the money moved, given that the row is `answered` where it is not `owed`. */
export const OWING: readonly PaymentState[] = ['owed', ...SETTLING];
/** Nothing is left to do and nothing paid is left to collect: these may be deleted once they are old. */
export const PRUNABLE: readonly PaymentState[] = ['delivered', 'delivery_unknown', 'released', 'failed', 'defaulted'];

/** The states that a step to `to` may start from. Leaving a claimable one takes a claim, not a step. */
export function predecessors(to: PaymentState): readonly PaymentState[] {
  return STATES.filter((from) => !isClaimable(from) && mayFollow(from, to));
}

/** Whether a text is the name of a state. */
export function isState(text: string): text is PaymentState {
  return Object.hasOwn(PAYMENT_TRANSITIONS, text);
}
