import type { BalanceCurrency } from './balance.ts';
import type { Brand } from './brand.ts';

/** A pass: 128 random bits, base64url without padding (22 characters). Knowing one is no right to use it. */
export type PassId = Brand<string, 'PassId'>;

/**
 * What a pass is for: one route (`route:<name>`), or the routes of a group (`group:<name>`). The scope of a balance
 * begins with `balance:`, so that a version of the gateway without balances cannot take it for a number of requests.
 */
export type PassScope = PlainScope | `balance:${PlainScope}`;

/** What a pass without a balance is for. */
export type PlainScope = `route:${string}` | `group:${string}`;

/** The holder of a pass: an account of a network family. An EVM account is the same one on every EVM network. */
export interface PassHolder {
  /** What comes before the colon of a CAIP-2 identifier, such as `eip155`. */
  readonly family: string;
  /** The account that paid; lower case on EVM, as in `Authorization.payer`. */
  readonly payer: string;
}

/** Access that was paid for: for a time, for a number of requests, or for both. */
export interface Pass extends PassHolder {
  readonly id: PassId;
  readonly scope: PassScope;
  /** Fingerprints of the routes that it was sold for. It never opens another one, whatever the scope holds today. */
  readonly opens: readonly string[];
  /** Digest of the terms that it was sold under: price, time, requests and {@link Pass.opens}. */
  readonly version: string;
  /** Unix milliseconds from which on it opens nothing; `undefined` when only its requests end it. */
  readonly expiresAt: number | undefined;
  /** Its requests; `undefined` when only time ends it. Of a balance: its units, in {@link Pass.balance}. */
  readonly quota: PassQuota | undefined;
  /** The currency of its units, where it is a balance: prepaid money, from which each call takes its charge. */
  readonly balance?: BalanceCurrency;
  /** Unix milliseconds of the first payment. */
  readonly issuedAt: number;
  /** Unix milliseconds from which on it opens nothing and never will again; `undefined` while it is not revoked. */
  readonly revokedAt: number | undefined;
}

/**
 * The requests of a pass, or the units of a balance, by where they are. `available + lent + spent = bought`, so that
 * none is sold twice or lost without notice.
 */
export interface PassQuota {
  /** All that were ever paid for. */
  readonly bought: number;
  /** Units that are not lent. */
  readonly available: number;
  /** Units that are lent to processes: used, to be used, or to be returned. Of a balance: held by calls. */
  readonly lent: number;
}

/** Why a pass opens nothing. */
export type PassEnd = 'revoked' | 'expired' | 'used_up';

const PASS_ID = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** Reads a pass id: of all texts that decode to the same bits, the one that {@link Pass.id} uses. */
export function parsePassId(text: unknown): PassId | undefined {
  return typeof text === 'string' && PASS_ID.test(text) ? (text as PassId) : undefined;
}

/**
 * Why a pass opens nothing at `now` (Unix milliseconds); `undefined` for a valid one.
 *
 * `used_up` means that every request was lent, and other processes may still return some: code that serves requests
 * asks the `Quota` instead.
 */
export function passEnd({ revokedAt, expiresAt, quota }: Omit<Pass, 'id'>, now: number): PassEnd | undefined {
  if (revokedAt !== undefined) return 'revoked';
  if (expiresAt !== undefined && expiresAt <= now) return 'expired';
  return quota !== undefined && quota.available === 0 && quota.lent === 0 ? 'used_up' : undefined;
}
