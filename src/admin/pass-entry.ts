import { formatUnits } from '../domain/amount.ts';
import { type BalanceCurrency, balanceDigits } from '../domain/balance.ts';
import { type Pass, type PassQuota, passEnd } from '../domain/pass.ts';
import type { UnreadablePass } from '../store/passes.ts';

/** A pass as JSON shows it. */
export type PassEntry = ReturnType<typeof describePass>;

/**
 * Describes a pass.
 *
 * @param now Unix milliseconds
 */
export function describePass(pass: Pass, now: number) {
  const { id, scope, family, payer, version, quota } = pass;
  return {
    id,
    scope,
    state: passEnd(pass, now) ?? 'good',
    family,
    payer,
    version,
    issuedAt: new Date(pass.issuedAt).toISOString(),
    expiresAt: timeOf(pass.expiresAt),
    revokedAt: timeOf(pass.revokedAt),
    bought: quota?.bought ?? null,
    available: quota?.available ?? null,
    lent: quota?.lent ?? null,
    ...(pass.balance !== undefined && quota !== undefined && { balance: describeBalance(pass.balance, quota) }),
  };
}

/** A pass that cannot be read, as JSON shows it. */
export interface UnreadablePassEntry {
  /** Empty where not even that can be read. */
  readonly id: string;
  readonly issuedAt: string | null;
  /** The first column that cannot be read. */
  readonly unreadable: string;
}

/** Describes a pass that cannot be read. */
export function describeUnreadablePass({ id, issuedAt, column }: UnreadablePass): UnreadablePassEntry {
  return { id, issuedAt: timeOf(issuedAt), unreadable: column };
}

/** A balance in whole units of its asset; `available`, `bought` and `lent` beside it are in its own smallest ones. */
function describeBalance(currency: BalanceCurrency, { bought, available, lent }: PassQuota) {
  const { network, asset, symbol } = currency;
  const [left, held, paid] = [available, lent, bought].map((units) => balanceText(units, currency));
  return { network, asset, symbol, left, held, paid };
}

/** Units of a balance in whole units of its asset, for people: `0.75`. */
export function balanceText(units: number, currency: BalanceCurrency): string {
  return formatUnits(BigInt(units), balanceDigits(currency));
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
