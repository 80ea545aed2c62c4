import type { Authorization } from '../../domain/payment.ts';
import type { Authentication } from '../scheme.ts';

/** Ends what is said of a payload that cannot be read: the most common mistake of clients that are new. */
export const NUMBERS_ARE_TEXTS = 'its numbers are texts, such as "10000"';

/** Why a well-formed authorization does not pay an offer. */
export interface Unfit {
  /** The specification's reason string. */
  readonly reason: string;
  /** Whether it is only too late: everything else about it pays the offer. */
  readonly lapsed: boolean;
}

/** The answer for an authorization that was read and checked. */
export function answerFor(unfit: Unfit | undefined, authorization: Authorization): Authentication {
  if (unfit === undefined) return { kind: 'authentic', authorization };
  const { reason, lapsed } = unfit;
  return lapsed ? { kind: 'refused', reason, lapsed: authorization } : { kind: 'refused', reason };
}
