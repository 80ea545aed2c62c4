import type { BuilderCode } from './builder-code.ts';
import type { CustomerKeys } from './customer-keys.ts';
import type { EncodedCharacter } from './encoded-path.ts';
import type { McpTerms } from './mcp-terms.ts';
import type { ProtocolSetting } from './protocol-setting.ts';
import type { RoutePrice } from './route-price.ts';
import type { StatedCalls } from './stated-calls.ts';
import type { Upstream } from './upstream.ts';
import type { FreeQuota } from './use-limit.ts';

/** Whether a purchase can or must carry the buyer's own id (`payment-identifier` extension). */
export type IdentifierRule = 'off' | 'optional' | 'required';

/** How answers of calls that cannot be repeated are kept for a buyer whose connection dropped. */
export interface KeepAnswers {
  /** Largest body that is kept, in bytes. A larger one is delivered, but not kept. */
  readonly maxBytes: number;
}

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
  /** Stable id for metrics and logs, and the front of the ids of its prices. Unique in the table. */
  readonly name: string;
  /** Upper-case methods; `undefined` takes every method. A `GET` route takes `HEAD` too. */
  readonly methods: readonly string[] | undefined;
  /** Lower-case host without port; `undefined` takes every host. */
  readonly host: string | undefined;
  readonly pattern: PathPattern;
  /** What its requests cost: at least one. */
  readonly prices: readonly RoutePrice[];
  /** How its messages are sold, where it is an MCP server's. */
  readonly mcp?: McpTerms | undefined;
  /** Customers who need not pay here. */
  readonly keys?: CustomerKeys | undefined;
  /** The free requests of each client. */
  readonly free?: FreeQuota | undefined;
  readonly mimeType: string | undefined;
  /** Left out of documents and catalogues: only for buyers who know of it. */
  readonly unlisted?: true;
  /** The route's own description of its calls; it takes precedence over the API's description. */
  readonly stated?: StatedCalls | undefined;
  /** Characters that servers disagree about, and that a path may hold in the part of `/*`. Default: none. */
  readonly encoded?: readonly EncodedCharacter[] | undefined;
  readonly upstream: Upstream;
  readonly rewrite: PathRewrite | undefined;
  /** How long the upstream may take until its response headers, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether any method of this route may be carried out again, because the API itself handles repetitions. */
  readonly idempotent: boolean;
  readonly keepAnswers: KeepAnswers | undefined;
  readonly identifier: IdentifierRule;
  /** The codes that its settlements are attributed to. */
  readonly builderCode?: BuilderCode | undefined;
  /** How it is paid; at least one. Routes that are paid alike have the same list. */
  readonly protocols: readonly ProtocolSetting[];
  /** How many of a hundred clients are charged; the others are let through free, and their price is recorded. */
  readonly enforcePercent: number;
}
