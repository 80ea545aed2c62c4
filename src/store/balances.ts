import type { BalanceCurrency } from '../domain/balance.ts';
import type { Brand } from '../domain/brand.ts';
import type { Pass, PassId } from '../domain/pass.ts';
import type { BookFilter, ModelTotal } from './books.ts';

/** What one call holds of a balance: 128 random bits, base64url. */
export type HoldId = Brand<string, 'HoldId'>;

/** What a call takes out of a balance until its charge is known. */
export interface Hold {
  readonly id: HoldId;
  readonly pass: PassId;
  /** The most that the call may cost, in the balance's units: above 0. */
  readonly most: number;
  /** The process that the call is with. When it is gone, the hold is released. */
  readonly owner: string;
  /** Id of the price that the call met, and of the request. */
  readonly route: string;
  readonly requestId: string;
}

/** What holding came to. */
export type HoldOutcome =
  /** `pass` is what the balance is now, without what is held. */
  | { readonly kind: 'held'; readonly pass: Pass }
  /** Less is there than the call may cost; nothing was held. `pass.quota.lent` is what other calls hold. */
  | { readonly kind: 'too_low'; readonly pass: Pass }
  | { readonly kind: 'gone'; readonly why: 'revoked' | 'unknown' };

/** What a call cost. */
export interface Draw {
  /** In the balance's units; zero releases all that was held. No more than was held is taken. */
  readonly charge: number;
  /** What it was made of, as JSON. */
  readonly usage?: string | undefined;
  /** Who is to hear of it; written with the draw: there is never one without the other. */
  readonly news?: DrawNews | undefined;
}

/** Who is to hear of a draw, and what its row does not say. */
export interface DrawNews {
  /** Ids of the receivers. */
  readonly hooks: readonly string[];
  /** Who bought the balance. */
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

/** A draw with what its balance says. */
export interface BookedDraw extends DrawRecord {
  readonly payer: string;
  readonly currency: BalanceCurrency;
}

/** Which draws to read: `since` and `until` are about when they were charged. */
export type DrawFilter = Pick<BookFilter, 'since' | 'until' | 'route' | 'payer'>;

/** A place in the order of charging. */
export type DrawPlace = Pick<DrawRecord, 'endedAt' | 'id'>;

/** A draw that is there and cannot be read. */
export interface UnreadableDraw {
  readonly key: string;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** Some draws, those that cannot be read beside the others. */
export interface DrawPage {
  readonly draws: readonly BookedDraw[];
  readonly unreadable: readonly UnreadableDraw[];
  /** Where to go on; `undefined` when fewer came than were asked for. */
  readonly last: DrawPlace | undefined;
}

/**
 * What balances paid for, as operators read it: calls that were charged by what they used. No revenue of its own: the money
 * moved when the balance was bought. Calls of which nothing was to be charged are not in it.
 */
export interface DrawBooks {
  /** Draws in the order of charging, page by page: pass the last place to go on. */
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
 * A hold ends once: whoever is second, such as a process that was taken for gone, hears `undefined`, and its charge is not drawn.
 */
export interface Balances {
  /** Takes what a call may cost, if the balance has it. Of any number at once never more than there is. */
  hold(hold: Hold, now: number): Promise<HoldOutcome>;
  /** Ends a hold. `undefined`: it has ended before, and nothing was changed. */
  draw(id: HoldId, draw: Draw, now: number): Promise<Pass | undefined>;
  /** Holds of processes that are gone, the oldest first. */
  holdsLeft(now: number, limit: number): Promise<readonly HoldId[]>;
  /** Holds of one process, the oldest first. */
  holdsOf(owner: string, limit: number): Promise<readonly HoldId[]>;
  /** What was drawn of a balance, the latest first; calls that cost nothing are in it. */
  listDraws(pass: PassId, limit: number): Promise<readonly DrawRecord[]>;
  /** Forgets calls that ended before `before` (Unix milliseconds), at most `limit`; returns how many. */
  pruneDraws(before: number, limit: number): Promise<number>;
}

/** Refuses what would make money out of nothing. */
export function checkHold({ most }: Pick<Hold, 'most'>): void {
  if (!Number.isSafeInteger(most) || most <= 0) throw new Error('a hold is a whole number above 0');
}

/** As {@link checkHold}. */
export function checkDraw({ charge }: Draw): void {
  if (!Number.isSafeInteger(charge) || charge < 0) throw new Error('a charge is a whole number, and not below 0');
}
