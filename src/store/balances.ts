import type { BalanceCurrency } from '../domain/balance.ts';
import type { Brand } from '../domain/brand.ts';
import type { Pass, PassId } from '../domain/pass.ts';
import type { BookFilter, ModelTotal } from './books.ts';

/** Id of a hold: 128 random bits, base64url. */
export type HoldId = Brand<string, 'HoldId'>;

/** What a call holds of a balance until its charge is known. */
export interface Hold {
  readonly id: HoldId;
  readonly pass: PassId;
  /** The most that the call may cost, in the balance's units: above 0. */
  readonly most: number;
  /** The process that serves the call. When that process is gone, the hold is released. */
  readonly owner: string;
  /** Id of the price that the call met, and of the request. */
  readonly route: string;
  readonly requestId: string;
}

/** The result of a hold. */
export type HoldOutcome =
  /** `pass` is the balance after the hold. */
  | { readonly kind: 'held'; readonly pass: Pass }
  /** The balance has less than the call may cost; nothing was held. `pass.quota.lent` is what other calls hold. */
  | { readonly kind: 'too_low'; readonly pass: Pass }
  | { readonly kind: 'gone'; readonly why: 'revoked' | 'unknown' };

/** The charge of a call. */
export interface Draw {
  /** In the balance's units; zero releases all that was held. Never more than was held. */
  readonly charge: number;
  /** What the charge was made of, as JSON. */
  readonly usage?: string | undefined;
  /** The webhook event, written together with the draw. */
  readonly news?: DrawNews | undefined;
}

/** The webhook event of a draw: its receivers, and what the row of the draw does not say. */
export interface DrawNews {
  /** Ids of the receivers. */
  readonly hooks: readonly string[];
  /** The buyer of the balance. */
  readonly payer: string;
  readonly currency: BalanceCurrency;
}

/** A call that a balance paid for, as the store keeps it. */
export interface DrawRecord {
  readonly id: HoldId;
  readonly pass: PassId;
  readonly route: string;
  readonly requestId: string;
  readonly charge: number;
  readonly usage: string | undefined;
  /** Unix milliseconds. */
  readonly heldAt: number;
  readonly endedAt: number;
}

/** A draw with facts of its balance. */
export interface BookedDraw extends DrawRecord {
  readonly payer: string;
  readonly currency: BalanceCurrency;
}

/** Selects draws; `since` and `until` are the time of the charge. */
export type DrawFilter = Pick<BookFilter, 'since' | 'until' | 'route' | 'payer'>;

/** A position in the order of charging. */
export type DrawPlace = Pick<DrawRecord, 'endedAt' | 'id'>;

/** A draw that exists and cannot be read. */
export interface UnreadableDraw {
  readonly key: string;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** A page of draws, with those that cannot be read beside the others. */
export interface DrawPage {
  readonly draws: readonly BookedDraw[];
  readonly unreadable: readonly UnreadableDraw[];
  /** The position for the next page; `undefined` when fewer came than were asked for. */
  readonly last: DrawPlace | undefined;
}

/**
 * The calls that balances paid, as operators read them: each was charged by what it used. They are no revenue of their
 * own: the money moved when the balance was bought. Calls that cost nothing are left out.
 */
export interface DrawBooks {
  /** Draws in the order of charging, page by page: pass the last position for the next page. */
  pageDraws(filter: DrawFilter, after: DrawPlace | undefined, limit: number): Promise<DrawPage>;
  /** Sums per day of charging, route, asset and model: `settled` counts calls, `amount` is in atomic units, none is open. */
  summarizeDraws(filter: DrawFilter): Promise<readonly ModelTotal[]>;
}

/**
 * The money of passes that are balances. Each method is one atomic act across all requests, workers and replicas, as durable as
 * the store is; a rejected one (`GatewayError` `store_unavailable`) may have taken place, or not.
 *
 * A call goes these ways, and at each point `available + held + drawn = bought`:
 *
 * | the call | its hold | when the process is gone |
 * |---|---|---|
 * | before the API is asked | taken, its maximum: `available` falls, never below zero | released in full by recovery |
 * | its charge is known, before its answer, or the end of it, goes out | ended: the charge is drawn, the rest is back | drawn: it is written down |
 * | it failed | ended with a charge of 0 | as above |
 *
 * A hold ends once. A second end gets `undefined`, and its charge is not drawn: a process that counted as gone may
 * still try to end its hold.
 */
export interface Balances {
  /** Takes the most that a call may cost, if the balance has it. Simultaneous calls never take more than there is. */
  hold(hold: Hold, now: number): Promise<HoldOutcome>;
  /** Ends a hold. `undefined`: it has ended before, and nothing was changed. */
  draw(id: HoldId, draw: Draw, now: number): Promise<Pass | undefined>;
  /** Holds of processes that are gone, the oldest first. */
  holdsLeft(now: number, limit: number): Promise<readonly HoldId[]>;
  /** Holds of one process, the oldest first. */
  holdsOf(owner: string, limit: number): Promise<readonly HoldId[]>;
  /** The draws of a balance, the latest first, calls that cost nothing included. */
  listDraws(pass: PassId, limit: number): Promise<readonly DrawRecord[]>;
  /** Deletes calls that ended before `before` (Unix milliseconds), at most `limit`; returns how many. */
  pruneDraws(before: number, limit: number): Promise<number>;
}

/** Refuses a hold that would create money. */
export function checkHold({ most }: Pick<Hold, 'most'>): void {
  if (!Number.isSafeInteger(most) || most <= 0) throw new Error('a hold is a whole number above 0');
}

/** As {@link checkHold}. */
export function checkDraw({ charge }: Draw): void {
  if (!Number.isSafeInteger(charge) || charge < 0) throw new Error('a charge is a whole number, and not below 0');
}
