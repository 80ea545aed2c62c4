import type { Network } from '../domain/network.ts';
import type { BookTotal, ModelTotal } from './books.ts';

/** One group of equal payments: same day, route, asset and amount. */
export interface BookGroup {
  /** UTC days since the epoch. */
  readonly day: number;
  readonly route: string;
  readonly network: Network;
  readonly asset: string;
  readonly amount: bigint;
  readonly settled: number;
  readonly open: number;
}

/** Milliseconds of a UTC day: Unix time has no leap seconds. */
export const DAY_MS = 86_400_000;

/** One group of equal metered payments. */
export interface ModelGroup extends BookGroup {
  readonly model: string | undefined;
}

/** Adds groups up to lines of a summary, exactly, ordered by day, route, network, asset and model. */
export function addUp(groups: readonly ModelGroup[]): readonly ModelTotal[];
export function addUp(groups: readonly BookGroup[]): readonly BookTotal[];
export function addUp(groups: readonly (BookGroup & { readonly model?: string | undefined })[]): readonly BookTotal[] {
  const totals = new Map<string, BookTotal>();
  for (const { amount, settled, open, ...group } of groups) {
    if (settled === 0 && open === 0) continue;
    const line = { ...group, day: dayText(group.day) };
    const id = JSON.stringify([line.day, line.route, line.network, line.asset, line.model ?? '']);
    const total = totals.get(id) ?? { ...line, settled: 0, amount: 0n, open: 0 };
    totals.set(id, {
      ...total,
      settled: total.settled + settled,
      amount: total.amount + amount * BigInt(settled),
      open: total.open + open,
    });
  }
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
}

/** A UTC day, counted from the epoch, as `YYYY-MM-DD`. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The UTC day of a claim, in days since the epoch. */
export function dayOf(claimedAt: number): number {
  return Math.floor(claimedAt / DAY_MS);
}
