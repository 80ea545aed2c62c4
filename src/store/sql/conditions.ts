import type { PaymentState } from '../../domain/payment-state.ts';
import { HELD, OPEN, OWING, PRUNABLE, RESTING, SETTLED } from '../state-sets.ts';

/*
 * Conditions on a row's state, as SQL. Those of partial indexes stand in the schema in the same words.
 */

/** `state IN (…)`. State names are our own words, of letters and underscores. */
export function among(states: readonly PaymentState[]): string {
  return `state IN (${states.map((state) => `'${state}'`).join(', ')})`;
}

/** A claim may take the row over. */
export const CLAIMABLE = "state IN ('released', 'failed')";
/** Another claim has the identifier: the words of the unique index. */
export const HAS_IDENTIFIER = "state NOT IN ('released', 'failed')";
/** The row may have to be taken because its process went, or because it is in doubt. */
export const IS_OPEN: string = among(OPEN);
/** A process holds it. */
export const IS_HELD: string = among(HELD);
/** The money moved and no request is at work. */
export const IS_RESTING: string = among(RESTING);
/** The money moved. */
export const IS_SETTLED: string = among(SETTLED);
/** The settlement is open, or is still to be begun. */
export const IS_OWING: string = among(OWING);
/** The answer went out, the money did not move yet. */
export const IS_OWED = `${IS_OWING} AND (state = 'owed' OR answered = 1)`;
/** Nothing can be collected any more. */
export const IS_PRUNABLE: string = among(PRUNABLE);
