import { type Amount, formatAmount } from '../domain/amount.ts';
import { amountAsked, type PaymentRecord } from '../domain/payment-record.ts';
import { decodeUsage, describeUsage, type Usage, type UsageJson } from '../domain/usage.ts';
import { DamagedRow } from '../store/damaged-row.ts';
import type { AssetNames } from './asset-names.ts';

/** The money that moved, as JSON shows it. */
export interface SettledEntry {
  readonly transaction: string;
  readonly payer: string;
  /** Whole units; `null` when the asset is not known. */
  readonly amount: string | null;
  readonly amountAtomic: string;
  /** When the ledger learned of it; ISO 8601, UTC. */
  readonly at: string | null;
}

/**
 * A payment as JSON shows it: times in ISO 8601 and UTC, amounts as decimal text, `null` for what is not there. The
 * signed payment is left out: until it has settled, its signature is worth money to every holder.
 */
export interface LedgerEntry {
  readonly key: string;
  readonly state: string;
  readonly route: string;
  readonly requestId: string;
  readonly claimedAt: string;
  readonly changedAt: string;
  /** When the authorization ends. */
  readonly expiresAt: string | null;
  /** CAIP-2. */
  readonly network: string;
  readonly asset: string;
  readonly symbol: string | null;
  /** The price in whole units; `null` when the asset is not known. */
  readonly amount: string | null;
  readonly amountAtomic: string;
  /** The amount that was asked for, in whole units; `null` when none was, or the asset is not known. */
  readonly asked: string | null;
  readonly askedAtomic: string | null;
  readonly payer: string;
  readonly payTo: string;
  readonly scheme: string;
  /** The name of the protocol, such as `x402 v2`; `null` in rows of versions that did not write it down. */
  readonly protocol: string | null;
  readonly facilitator: string;
  readonly identifier: string | null;
  readonly settled: SettledEntry | null;
  /** The transaction of the last attempt to settle, which may or may not have been mined. */
  readonly attempt: string | null;
  readonly answered: boolean;
  readonly reason: string | null;
  readonly checks: number;
  /** When the payment is checked next; `null` when it is not. */
  readonly checkAt: string | null;
  /** The note of the operator who took care of the payment. */
  readonly resolved: { readonly at: string; readonly note: string } | null;
  /** The usage that the charge was computed from; `null` where the charge was the price. */
  readonly usage: UsageJson | null;
}

/** Describes a row. @throws DamagedRow where its usage cannot be read; a page has no such row */
export function describeEntry(record: PaymentRecord, assets: AssetNames): LedgerEntry {
  const asked = askedOf(record);
  const usage = usageOf(record);
  return {
    key: record.key,
    state: record.state,
    route: record.route,
    requestId: record.requestId,
    claimedAt: new Date(record.claimedAt).toISOString(),
    changedAt: new Date(record.changedAt).toISOString(),
    expiresAt: isoTime(record.expiresAt * 1000),
    network: record.network,
    asset: record.asset,
    symbol: assets.find(record)?.symbol ?? null,
    amount: assets.units(record, record.amount) ?? null,
    amountAtomic: formatAmount(record.amount),
    asked: asked === undefined ? null : (assets.units(record, asked) ?? null),
    askedAtomic: asked === undefined ? null : formatAmount(asked),
    payer: record.payer,
    payTo: record.payTo,
    scheme: record.scheme,
    protocol: record.protocol ?? null,
    facilitator: record.facilitator,
    identifier: record.identifier ?? null,
    settled: describeSettled(record, assets),
    attempt: record.attempt?.transaction ?? null,
    answered: record.answered,
    reason: record.reason ?? null,
    checks: record.checks,
    checkAt: record.checkAt === 0 ? null : isoTime(record.checkAt),
    resolved: describeResolution(record),
    usage: usage === undefined ? null : describeUsage(usage),
  };
}

/** The amount that was asked for; `undefined` while none was. Rows of earlier versions asked for the whole price. */
export function askedOf(record: PaymentRecord): Amount | undefined {
  const { asked, attempt, settlement } = record;
  return asked === undefined && attempt === undefined && settlement === undefined ? undefined : amountAsked(record);
}

/** The usage that a payment, or a call paid by a balance, was charged for. @throws DamagedRow */
export function usageOf({ usage }: Pick<PaymentRecord, 'usage'>): Usage | undefined {
  try {
    return usage === undefined ? undefined : decodeUsage(usage);
  } catch (cause) {
    throw new DamagedRow('usage', { cause });
  }
}

function describeSettled(record: PaymentRecord, assets: AssetNames): SettledEntry | null {
  const { settlement, settledAt } = record;
  if (settlement === undefined) return null;
  return {
    transaction: settlement.transaction,
    payer: settlement.payer,
    amount: assets.units(record, settlement.amount) ?? null,
    amountAtomic: formatAmount(settlement.amount),
    at: settledAt === undefined ? null : isoTime(settledAt),
  };
}

function describeResolution({ resolution }: PaymentRecord): LedgerEntry['resolved'] {
  return resolution === undefined ? null : { at: new Date(resolution.at).toISOString(), note: resolution.note };
}

/** `null` for a time that no `Date` can hold: a buyer may sign an authorization that ends later than that. */
function isoTime(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
