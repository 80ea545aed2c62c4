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

/** What a settled payment buys, taken from the plan that its 402 came from. */
export interface PassSale {
  /** The payment: it buys once, however often it is granted. */
  readonly paymentKey: PaymentKey;
  readonly scope: PassScope;
  readonly holder: PassHolder;
  /** Fingerprints of the routes that it opens. */
  readonly opens: readonly string[];
  /**
   * Digest of the terms, which has to cover everything below and {@link PassSale.opens}: a payment under other terms
   * makes another pass and never changes what an earlier one opens.
   */
  readonly version: string;
  /** Milliseconds that it adds; `undefined` for a pass that only its requests end. */
  readonly forMs: number | undefined;
  /** Requests that it adds; `undefined` for a pass that only time ends. Of a balance: its units. */
  readonly requests: number | undefined;
  /** What it adds to is a balance, in this. */
  readonly balance?: BalanceCurrency;
}

/** Passes as buyers come by them. `now` is in Unix milliseconds, here and below. */
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
  /** Reads one pass, in whatever state it is, until it is pruned. */
  findPass(id: PassId): Promise<Pass | undefined>;
  /**
   * The passes of a holder in a scope that are neither revoked nor expired, the one that ends last first: more than one
   * when the terms changed between two payments. The caller looks at {@link Pass.opens} and at what is left. A damaged one
   * does not hide the others.
   *
   * @throws DamagedRow where there are some and none can be read: their holder has paid, and is not to be asked again
   */
  findPasses(scope: PassScope, holder: PassHolder, now: number): Promise<readonly Pass[]>;
  /** Passes in the order of issue, or from the latest back, page by page: pass the last place to go on. */
  listPasses(after: PassPlace | undefined, limit: number, view?: PassView): Promise<PassPage>;
}

/** A place in the order of issue: that of a pass. */
export interface PassPlace {
  readonly issuedAt: number;
  readonly id: string;
}

/** A pass that is there and cannot be read. */
export interface UnreadablePass {
  /** Empty where not even that can be read, as `issuedAt` is absent. */
  readonly id: string;
  readonly issuedAt: number | undefined;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** Some passes, those that cannot be read beside the others; both kinds count for a limit. */
export interface PassPage {
  readonly passes: readonly Pass[];
  readonly unreadable: readonly UnreadablePass[];
  /** Where to go on; `undefined` when fewer came than were asked for. */
  readonly last: PassPlace | undefined;
}

/** Which passes to list, and from which end. */
export interface PassView {
  readonly payer?: string;
  readonly order?: ReadingOrder;
}

/** What one process settles and asks for with one call; whole numbers. */
export interface LeaseRequest {
  /** Units that it would like to have. */
  readonly want: number;
  /**
   * Units of earlier leases that requests were served with. Below zero when units that were said to be spent were given
   * back after all.
   */
  readonly spent: number;
  /** Units of earlier leases that it brings back. */
  readonly returned: number;
}

/** What came of it. */
export type LeaseOutcome =
  /** `granted` may be less than was wanted, and zero: `left` and `lent` then tell whether waiting makes sense. */
  | {
      readonly kind: 'leased';
      readonly granted: number;
      /** Units that nobody has. */
      readonly left: number;
      /** Units that processes have in hand, with those that were granted now. */
      readonly lent: number;
      readonly expiresAt: number | undefined;
    }
  /** Nothing was granted, and never will be; what was spent and returned is booked, where there is a pass. */
  | { readonly kind: 'gone'; readonly why: 'revoked' | 'expired' | 'unknown' };

/** The requests of passes, lent to processes in blocks so that serving one takes no call. */
export interface Quotas {
  /**
   * Books what became of earlier leases and lends anew, in one act: all processes together never get more than was
   * bought. What a process has in hand when it is killed is lost.
   *
   * When it rejects, the act may have taken place: neither `spent` nor `returned` may be said again, or units could be
   * served twice. A pass without a quota grants what is wanted, books nothing and has `left: 0`, `lent: 0`.
   *
   * Rejects with a plain `Error` when more is settled than was lent: that is a fault of the caller.
   */
  lease(id: PassId, request: LeaseRequest, now: number): Promise<LeaseOutcome>;
}

/** Taking passes away. */
export interface Revocations {
  /** Ends a pass for good, from now on; one that is revoked already stays as it is. `undefined`: there is no such pass. */
  revokePass(id: PassId, now: number): Promise<Pass | undefined>;
  /**
   * Ids that were revoked at `since` or later by the clock of whoever revoked them: ask with a margin for clocks that
   * differ, and expect to hear an id more than once. An id that is damaged names no pass any more, and is left out.
   */
  revokedSince(since: number): Promise<readonly PassId[]>;
}

/** Nonces of sign-ins. */
export interface SignIns {
  /**
   * Takes a nonce: `true` for one caller, `false` for every other one, over all processes. `false` also where nonces that
   * ended as late were forgotten, because a clock ran ahead: it may be one of them.
   *
   * @param until Unix milliseconds until which somebody could use it again, the same for each use
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

/** Where processes that were configured without one find their common key. */
export interface TokenKeys {
  /** The key of this store: of any number of processes that start on an empty store, the first one's. */
  tokenKey(create: () => TokenKey): Promise<TokenKey>;
}

/** What passes need beside requests. */
export interface PassUpkeep {
  /**
   * Deletes passes that ended before `before` (Unix milliseconds): expired, revoked, or, where no time ends them, used
   * up and unchanged since. One stays as long as the ledger has one of the payments that bought it, for as long that
   * payment could be granted again. Nonces go once `now` is past their time. At most `limit` of each; returns how many
   * passes.
   */
  prunePasses(before: number, now: number, limit: number): Promise<number>;
}

/** Everything that a store knows of passes. */
export interface PassStore extends Passes, Quotas, Revocations, SignIns, TokenKeys, PassUpkeep {
  /** The money of passes that are balances. */
  readonly balances: Balances & DrawBooks;
}

/** Refuses a sale without an end: it would open a route for ever, whatever the price. */
export function checkSale({ forMs, requests, balance }: PassSale): void {
  if (forMs === undefined && requests === undefined) throw new Error('a pass has to end by time or by requests');
  if (balance !== undefined && forMs !== undefined) throw new Error('what is left of a balance is not lost by time');
}

/** Says that a process settles what it was not lent. */
export function overdrawn({ spent, returned }: LeaseRequest): never {
  throw new Error(`${spent} spent and ${returned} returned is more than was lent`);
}
