import {
  CLAIMABLE,
  COLLECTABLE,
  DEFAULTED,
  HELD,
  OPEN,
  OWING,
  type PaymentState,
  PRUNABLE,
  RESTING,
  SETTLED,
} from '../../domain/payment-state.ts';

/*
 * Conditions on a row's state, as SQL. Those of partial indexes stand in the schema in the same words.
 */

/** Most states of a list of which SQLite makes no table. */
const SHORT_LIST = 2;

/**
 * The state is one of these. More than two are compared one by one: SQLite makes a table of a longer `IN` list each time
 * that a statement evaluates it, and a step evaluates the conditions of all partial indexes, before and after.
 */
export function among(states: readonly PaymentState[]): string {
  if (states.length <= SHORT_LIST) return `state IN ${list(states)}`;
  return `(${states.map((state) => `state = '${state}'`).join(' OR ')})`;
}

/** A claim may take the row over. */
export const IS_CLAIMABLE: string = among(CLAIMABLE);
/** No other row may have its identifier: in the words of the unique index. */
export const HOLDS_IDENTIFIER = `state NOT IN ${list(CLAIMABLE)}`;
/** Recovery may have to take the row: its process may be gone, or its money is in doubt. */
export const IS_OPEN: string = among(OPEN);
/** A process holds it. */
export const IS_HELD: string = among(HELD);
/** The money moved and no request is at work. */
export const IS_RESTING: string = among(RESTING);
/** The money moved. */
export const IS_SETTLED: string = among(SETTLED);
/**
 * The settlement is open, or is still to be begun. A list, because SQLite would look each of compared states up in the
 * index of open payments, and read their rows.
 */
export const IS_OWING = `state IN ${list(OWING)}`;
/**
 * The answer, or a part of it, went out; the money did not move yet. In the words of `isOnCredit`; the list comes last,
 * so that most steps do not come to it.
 */
export const IS_OWED = `(state = 'owed' OR answered = 1 OR deliveries > 0) AND ${IS_OWING}`;
/** The answer went out, and the money did not move when it was asked for. */
export const IS_DEFAULTED: string = among(DEFAULTED);
/** The same payment may still get its answer. */
export const IS_COLLECTABLE: string = among(COLLECTABLE);
/** Nothing can be collected any more. */
export const IS_PRUNABLE: string = among(PRUNABLE);

/** State names are our own words, of letters and underscores. */
function list(states: readonly PaymentState[]): string {
  return `(${states.map((state) => `'${state}'`).join(', ')})`;
}
