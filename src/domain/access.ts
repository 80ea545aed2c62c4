import type { BalanceTerms } from './balance.ts';
import type { PassScope } from './pass.ts';

/** What a payment on a route with `access` buys besides the answer. Immutable, made by the plan. */
export interface AccessTerms {
  readonly scope: PassScope;
  /** Fingerprints of all routes of the scope, sorted: what is sold opens these and never another one. */
  readonly opens: readonly string[];
  /** Digest of scope, price, time, requests and {@link AccessTerms.opens}: the version of the price table, for passes. */
  readonly version: string;
  /** Milliseconds of access; `undefined` when only requests end it. */
  readonly forMs: number | undefined;
  /** Requests after the paid one; `undefined` when only time ends it. */
  readonly requests: number | undefined;
  /** The prepaid balance that a payment adds to. Neither time nor a number of requests ends it. */
  readonly balance?: BalanceTerms;
}

/** How a route takes passes. */
export interface RouteAccess {
  readonly terms: AccessTerms;
  /** Digest of this route's name, methods, host and path; passes without a balance list it in `AccessTerms.opens`. */
  readonly fingerprint: string;
  /** The same, as passes with a balance list it; `undefined` where none is sold. */
  readonly balanceFingerprint?: string;
  /**
   * Longest path, in whole segments, that covers every route of the scope. Cookies are scoped to it and sign-ins name
   * it; begins with `/`, and ends with `/` only where it is `/` alone.
   */
  readonly path: string;
}

/** How the gateway issues and takes access tokens. */
export interface AccessTokenPlan {
  /** Secrets of at least 32 bytes, base64url, newest first; none when the store keeps one. */
  readonly keys: readonly string[];
  /** Whether browsers get the token as a cookie, too. */
  readonly cookie: boolean;
  /** Whether a buyer comes back by signing in with the account that paid. */
  readonly signIn: boolean;
}
