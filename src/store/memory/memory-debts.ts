import { amountAsked, isOnCredit, type PaymentRecord } from '../../domain/payment-record.ts';
import { DEFAULTED, OWING } from '../../domain/payment-state.ts';
import type { OpenCount, OwedAsset } from '../upkeep.ts';

/** Payments whose answers went out before their money moved. */
export function owedRows(rows: Iterable<PaymentRecord>): readonly PaymentRecord[] {
  return [...rows].filter((row) => OWING.includes(row.state) && (row.state === 'owed' || isOnCredit(row)));
}

/** How many payments a payer owes, defaulted ones included. */
export function debtsOf(rows: readonly PaymentRecord[], payer: string): number {
  return [...owedRows(rows), ...defaultedRows(rows)].filter((row) => row.payer === payer).length;
}

/** Atomic units of an asset that are owed: in all, or by one payer with what it defaulted on. */
export function owedSum(
  rows: readonly PaymentRecord[],
  { network, asset }: OwedAsset,
  payer: string | undefined,
): bigint {
  return [...owedRows(rows), ...(payer === undefined ? [] : defaultedRows(rows))]
    .filter((row) => row.network === network && row.asset === asset && (payer ?? row.payer) === row.payer)
    .reduce((sum, row) => sum + amountAsked(row), 0n);
}

/** Open payments by state, and since when the oldest is. */
export function openCounts(rows: readonly PaymentRecord[]): readonly OpenCount[] {
  return OWING.flatMap((state) => {
    const open = rows.filter((row) => row.state === state && row.resolution === undefined);
    const claimed = open.map((row) => row.claimedAt);
    return claimed.length === 0 ? [] : [{ state, count: claimed.length, oldestAt: Math.min(...claimed) }];
  });
}

function defaultedRows(rows: readonly PaymentRecord[]): readonly PaymentRecord[] {
  return rows.filter((row) => DEFAULTED.includes(row.state));
}
