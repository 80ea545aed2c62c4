import type { AccessTerms } from '../domain/access.ts';
import { remember } from '../domain/remember.ts';
import type { JsonObject } from '../domain/x402.ts';

/** The extension's key in `extensions`, of the 402 and of the settlement. */
export const ACCESS_PASS = 'access-pass';

/** The header that carries the token, both ways. */
export const ACCESS_TOKEN_HEADER = 'X402-Access-Token';

/** A pass as its buyer is told of it. */
export interface AccessPassNotice {
  readonly scope: string;
  /** The bearer text; not there where only the pass's state is told. */
  readonly token?: string;
  /** Unix milliseconds; `undefined` where only requests end it. */
  readonly expiresAt: number | undefined;
  /** Requests that are left; `undefined` where only time ends it. */
  readonly remaining: number | undefined;
}

/** The declaration in a 402: what a payment buys besides the answer. */
export function declareAccessPass({ scope, forMs, requests }: AccessTerms): JsonObject {
  return {
    info: {
      scope: nameOf(scope),
      ...(forMs === undefined ? {} : { forSeconds: Math.floor(forMs / 1000) }),
      ...(requests === undefined ? {} : { requests }),
      header: ACCESS_TOKEN_HEADER,
    },
  };
}

/** The same pass in `PAYMENT-RESPONSE.extensions`. */
export function accessPassExtension({ scope, token, expiresAt, remaining }: AccessPassNotice): JsonObject {
  return {
    info: {
      scope: nameOf(scope),
      ...(token === undefined ? {} : { token }),
      ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
      ...(remaining === undefined ? {} : { remaining }),
    },
  };
}

/** The headers of an answer that a pass came with, or that was served by one. */
export function accessPassHeaders({ token, expiresAt, remaining }: AccessPassNotice): [string, string][] {
  const headers: [string, string][] = [];
  if (token !== undefined) headers.push([ACCESS_TOKEN_HEADER, token]);
  if (expiresAt !== undefined) headers.push(['X402-Access-Expires', timeText(expiresAt)]);
  if (remaining !== undefined) headers.push(['X402-Access-Remaining', String(remaining)]);
  return headers;
}

/** A time in ISO 8601. @param at Unix milliseconds. Each call with a pass tells the same end again. */
const timeText = remember(1024, (at: number) => new Date(at).toISOString());

/** What follows `route:` or `group:`, cut to what a header has room for: the default name of a route holds its path. */
function nameOf(scope: string): string {
  return scope.slice(0, 128);
}
