import type { RouteAccess } from './access.ts';
import type { ChargeRule } from './charge-rule.ts';
import type { Offer } from './offer.ts';
import type { Upstream } from './upstream.ts';

/** When the money moves, seen from the upstream's work. Contract §5 "Settle modes". */
export type SettleMode = 'after' | 'before' | 'deferred';

/** Whether a purchase can or must carry the buyer's own id (`payment-identifier` extension). */
export type IdentifierRule = 'off' | 'optional' | 'required';

/** How answers of calls that cannot be repeated are kept for a buyer whose connection dropped. */
export interface KeepAnswers {
  /** Largest body that is kept, in bytes. A larger one is delivered, but not kept. */
  readonly maxBytes: number;
}

/** What a route costs. */
export type RoutePrice =
  | { readonly kind: 'free' }
  /** `text` is the price as the file puts it, for people: `$0.001`. */
  | { readonly kind: 'priced'; readonly text: string; readonly offers: readonly Offer[] };

/**
 * One segment of a path pattern: a literal, a `:name` that takes exactly one segment, or a `{name}` that takes what is
 * between the literals of its segment. Literals are in canonical form, and `prefix` and `suffix` are not both empty.
 */
export type PatternSegment =
  | { readonly kind: 'static'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'affix'; readonly name: string; readonly prefix: string; readonly suffix: string };

/** A path as the price table writes it, in parts. `rest` is the trailing `/*`, which also covers the bare prefix. */
export interface PathPattern {
  readonly text: string;
  readonly segments: readonly PatternSegment[];
  readonly rest: boolean;
}

/** Replaces the front of the canonical path before it is forwarded. */
export interface PathRewrite {
  readonly from: string;
  readonly to: string;
}

/** One entry of the price table, decoded and checked. */
export interface Route {
  /** Stable id for metrics, the ledger and passes. Unique in the table. */
  readonly name: string;
  /** Upper-case methods; `undefined` takes every method. A `GET` route takes `HEAD` too. */
  readonly methods: readonly string[] | undefined;
  /** Lower-case host without port; `undefined` takes every host. */
  readonly host: string | undefined;
  readonly pattern: PathPattern;
  readonly price: RoutePrice;
  readonly settle: SettleMode;
  /** Which answers are charged where the API works before the money moves. */
  readonly charge: ChargeRule;
  readonly description: string | undefined;
  readonly mimeType: string | undefined;
  readonly upstream: Upstream;
  readonly rewrite: PathRewrite | undefined;
  /** How long the upstream may take until its response headers, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether any method of this route may be carried out again, because the API itself sees to it. */
  readonly idempotent: boolean;
  readonly keepAnswers: KeepAnswers | undefined;
  readonly identifier: IdentifierRule;
  /** How many of a hundred clients are charged; the others are let through free, and what they would have paid is noted. */
  readonly enforcePercent: number;
  /** How passes open this route; `undefined` where each call is paid for. */
  readonly access: RouteAccess | undefined;
}
