import type { AccessTerms } from '../domain/access.ts';
import { atomicUnits, type BalanceCurrency } from '../domain/balance.ts';
import { remember } from '../domain/remember.ts';
import type { JsonObject } from '../domain/x402.ts';

/** The extension's key in `extensions`, of the 402 and of the settlement. */
export const ACCESS_PASS = 'access-pass';

/** The header that carries the token, both ways. */
export const ACCESS_TOKEN_HEADER = 'X402-Access-Token';

/** The facts of a pass for its buyer. */
export interface AccessPassNotice {
  readonly scope: string;
  /** The bearer text; absent where only the pass's state is stated. */
  readonly token?: string;
  /** Unix milliseconds; `undefined` where only requests end it. */
  readonly expiresAt: number | undefined;
  /** Requests that are left; `undefined` where only time ends it, or where it is a balance. */
  readonly remaining: number | undefined;
  /** What is left of a balance. */
  readonly balance?: BalanceNotice | undefined;
}

/** What is left of a balance. */
export interface BalanceNotice {
  /** In the balance's units. */
  readonly available: number;
  readonly currency: BalanceCurrency;
}

/** The declaration in a 402: what a payment buys besides the answer. */
export function declareAccessPass({ scope, forMs, requests, balance }: AccessTerms): JsonObject {
  return {
    info: {
      scope: nameOf(scope),
      ...(forMs === undefined ? {} : { forSeconds: Math.floor(forMs / 1000) }),
      ...(requests === undefined ? {} : { requests }),
      // The balance that a payment buys is as large as the payment.
      ...(balance === undefined ? {} : { balance: { upTo: balance.upTo } }),
      header: ACCESS_TOKEN_HEADER,
    },
  };
}

/** The same pass in `PAYMENT-RESPONSE.extensions`. */
export function accessPassExtension({ scope, token, expiresAt, remaining, balance }: AccessPassNotice): JsonObject {
  return {
    info: {
      scope: nameOf(scope),
      ...(token === undefined ? {} : { token }),
      ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(balance === undefined ? {} : { balance: balanceJson(balance) }),
    },
  };
}

/** A balance as JSON: amounts are in atomic units of its asset, as everywhere on the wire. */
function balanceJson({ available, currency }: BalanceNotice): JsonObject {
  const { network, asset } = currency;
  return { available: atomicUnits(available, currency).toString(), network, asset };
}

/** The headers that tell what is left of a balance, and what a call took of it, in atomic units. */
export function balanceFields(
  available: number,
  currency: BalanceCurrency,
  charge?: number,
): readonly (readonly [string, string])[] {
  const left = ['X402-Access-Balance', atomicUnits(available, currency).toString()] as const;
  return charge === undefined ? [left] : [left, ['X402-Access-Charge', atomicUnits(charge, currency).toString()]];
}

/** The same as a comment of an event stream: base64 of JSON with the members of a `SettleResponse`. */
export function balanceComment(notice: AccessPassNotice & { readonly balance: BalanceNotice }, charge: number): string {
  const amount = atomicUnits(charge, notice.balance.currency).toString();
  const told = { success: true, amount, extensions: { [ACCESS_PASS]: accessPassExtension(notice) } };
  return Buffer.from(JSON.stringify(told)).toString('base64');
}

/** The headers of an answer that a pass came with, or that was served by one. */
export function accessPassHeaders({ token, expiresAt, remaining, balance }: AccessPassNotice): [string, string][] {
  const headers: [string, string][] = [];
  if (token !== undefined) headers.push([ACCESS_TOKEN_HEADER, token]);
  if (expiresAt !== undefined) headers.push(['X402-Access-Expires', timeText(expiresAt)]);
  if (remaining !== undefined) headers.push(['X402-Access-Remaining', String(remaining)]);
  if (balance !== undefined) {
    for (const [name, value] of balanceFields(balance.available, balance.currency)) headers.push([name, value]);
  }
  return headers;
}

/** A time in ISO 8601. @param at Unix milliseconds. Each call with a pass tells the same end again. */
const timeText = remember(1024, (at: number) => new Date(at).toISOString());

/** A scope's text, cut to what a header has room for: the default name of a route holds its path. */
function nameOf(scope: string): string {
  return scope.slice(0, 128);
}
