import type { BalanceCurrency } from '../domain/balance.ts';
import type { Pass, PassHolder, PassId, PassScope } from '../domain/pass.ts';
import type { PaymentKey } from '../domain/payment.ts';
import type { Balances, DrawBooks } from './balances.ts';
import type { ReadingOrder } from './books.ts';

/*
 * As with the ledger: each method is one atomic act across all requests, workers and replicas; a resolved promise means
 * that the change is on the disk; a rejected one (`GatewayError` `store_unavailable`) that nothing may be assumed, and
 * the caller answers 503. Every store passes `test/contract/passes.contract.ts`.
 */

/** Milliseconds for which a nonce is remembered after its time, since the clocks of replicas differ. */
export const NONCE_GRACE_MS = 300_000;

/** What a settled payment buys, by the plan that its 402 came from. */
export interface PassSale {
  /** The payment: it buys once, however often `grant` is called. */
  readonly paymentKey: PaymentKey;
  readonly scope: PassScope;
  readonly holder: PassHolder;
  /** Fingerprints of the routes that it opens. */
  readonly opens: readonly string[];
  /**
   * Digest of the terms. It must cover everything below and {@link PassSale.opens}: a payment under other terms makes
   * another pass, and never changes what an earlier one opens.
   */
  readonly version: string;
  /** Milliseconds that it adds; `undefined` for a pass that ends by its requests only. */
  readonly forMs: number | undefined;
  /** Requests that it adds; `undefined` for a pass that ends by time only. For a balance: its units. */
  readonly requests: number | undefined;
  /** The currency, where the pass is a balance. */
  readonly balance?: BalanceCurrency;
}

/** The buyers' view of passes. `now` is in Unix milliseconds, here and below. */
export interface Passes {
  /**
   * Gives a payer what a payment bought. To be called when the settlement is written down and before the answer goes
   * out; after a crash in between, again.
   *
   * - The first payment of a holder in a scope, under a version of its terms, makes a pass.
   * - Another payment under the same terms extends it: it ends `forMs` later and has `requests` more. The id stays, so
   *   that tokens that were handed out see the new requests.
   * - A pass that has expired or was revoked never comes back: the next payment makes another one, with another id.
   *   What an expired pass had left is lost, as its buyer was told.
   * - The same payment again changes nothing and gets its pass as it is now, which may be expired or revoked.
   */
  grant(sale: PassSale, now: number): Promise<Pass>;
  /** Reads a pass in any state, until it is pruned. */
  findPass(id: PassId): Promise<Pass | undefined>;
  /**
   * The passes of a holder in a scope that are neither revoked nor expired, the one that ends last first. There are
   * several when the terms changed between two payments. The caller checks {@link Pass.opens} and what is left. A
   * damaged pass does not hide the others.
   *
   * @throws DamagedRow where there are some and none can be read: their holder has paid, and must not be asked again
   */
  findPasses(scope: PassScope, holder: PassHolder, now: number): Promise<readonly Pass[]>;
  /** Passes in the order of issue, or in reverse, page by page: pass the last position for the next page. */
  listPasses(after: PassPlace | undefined, limit: number, view?: PassView): Promise<PassPage>;
}

/** A position in the order of issue: that of a pass. */
export interface PassPlace {
  readonly issuedAt: number;
  readonly id: string;
}

/** A pass that exists and cannot be read. */
export interface UnreadablePass {
  /** Empty where not even the id can be read, just as `issuedAt` is absent. */
  readonly id: string;
  readonly issuedAt: number | undefined;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** A page of passes, with those that cannot be read beside the others; both kinds count for a limit. */
export interface PassPage {
  readonly passes: readonly Pass[];
  readonly unreadable: readonly UnreadablePass[];
  /** The position for the next page; `undefined` when fewer came than were asked for. */
  readonly last: PassPlace | undefined;
}

/** Selects passes and their order. */
export interface PassView {
  readonly payer?: string;
  readonly order?: ReadingOrder;
}

/** What a process reports and asks for in one call; whole numbers. */
export interface LeaseRequest {
  /** Units that it asks for. */
  readonly want: number;
  /**
   * Units of earlier leases that requests have used. Below zero when units that were reported as spent came back after
   * all.
   */
  readonly spent: number;
  /** Units of earlier leases that it brings back. */
  readonly returned: number;
}

/** The result of a lease. */
export type LeaseOutcome =
  /** `granted` may be less than was asked for, and zero: `left` and `lent` then tell whether waiting makes sense. */
  | {
      readonly kind: 'leased';
      readonly granted: number;
      /** Units that are not lent. */
      readonly left: number;
      /** Units that processes hold, the granted ones included. */
      readonly lent: number;
      readonly expiresAt: number | undefined;
    }
  /** Nothing is granted, now or later; what was spent and returned is booked if the pass exists. */
  | { readonly kind: 'gone'; readonly why: 'revoked' | 'expired' | 'unknown' };

/** The requests of passes, lent to processes in blocks so that serving one takes no call. */
export interface Quotas {
  /**
   * Books the use of earlier leases and lends anew, in one act: all processes together never get more than was bought.
   * Units that a process holds when it is killed are lost.
   *
   * When it rejects, the act may have taken place: `spent` and `returned` must not be reported again, or units could be
   * used twice. A pass without a quota grants what is asked for, books nothing and has `left: 0`, `lent: 0`.
   *
   * Rejects with a plain `Error` when more is reported than was lent: that is a fault of the caller.
   */
  lease(id: PassId, request: LeaseRequest, now: number): Promise<LeaseOutcome>;
}

/** Revocation of passes. */
export interface Revocations {
  /**
   * Ends a pass for ever, from now on; one that was revoked earlier stays as it is. `undefined`: there is no such pass.
   */
  revokePass(id: PassId, now: number): Promise<Pass | undefined>;
  /**
   * Ids that were revoked at `since` or later, by the clock of the process that revoked them: ask with a margin for
   * clocks that differ, and expect to get an id more than once. A damaged id no longer names a pass, and is left out.
   */
  revokedSince(since: number): Promise<readonly PassId[]>;
}

/** Nonces of sign-ins. */
export interface SignIns {
  /**
   * Uses a nonce up: `true` for one caller, `false` for every other one, over all processes. Also `false` where nonces
   * that expire then or later were deleted, because a clock ran ahead: this may be one of them.
   *
   * @param until Unix milliseconds until which it could be used again, the same for each use
   */
  spendNonce(nonce: string, until: number): Promise<boolean>;
}

/** A secret that access tokens are signed with. */
export interface TokenKey {
  /** Names it in tokens. */
  readonly id: string;
  /** At least 32 bytes, base64url. */
  readonly secret: string;
}

/** The common key of processes whose configuration gives none. */
export interface TokenKeys {
  /** The key of this store: when several processes start on an empty store, that of the first. */
  tokenKey(create: () => TokenKey): Promise<TokenKey>;
}

/** Upkeep of passes. */
export interface PassUpkeep {
  /**
   * Deletes passes that ended before `before` (Unix milliseconds): expired, revoked, or, where no time ends them, used
   * up and unchanged since. A pass stays as long as the ledger has one of the payments that bought it, because that
   * payment could be granted again. Nonces are deleted once `now` is past their time. At most `limit` of each; returns
   * how many passes.
   */
  prunePasses(before: number, now: number, limit: number): Promise<number>;
}

/** All parts of a store that concern passes. */
export interface PassStore extends Passes, Quotas, Revocations, SignIns, TokenKeys, PassUpkeep {
  /** The money of passes that are balances. */
  readonly balances: Balances & DrawBooks;
}

/** Refuses a sale without an end: it would open a route for ever, at any price. */
export function checkSale({ forMs, requests, balance }: PassSale): void {
  if (forMs === undefined && requests === undefined) throw new Error('a pass has to end by time or by requests');
  if (balance !== undefined && forMs !== undefined) throw new Error('what is left of a balance is not lost by time');
}

/** The fault of a process that reports more than it was lent. */
export function overdrawn({ spent, returned }: LeaseRequest): never {
  throw new Error(`${spent} spent and ${returned} returned is more than was lent`);
}
