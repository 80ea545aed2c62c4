import { DamagedRow } from '../damaged-row.ts';
import { damaged } from './row.ts';
import type { SqlRow } from './sql-engine.ts';

/** The last moment of the calendar, in Unix milliseconds. */
const LAST_MOMENT = 8_640_000_000_000_000;

/** Reads a row that may be damaged: then its fault is returned. */
export function tryRead<T>(row: SqlRow, read: (row: SqlRow) => T): T | DamagedRow {
  try {
    return read(row);
  } catch (fault) {
    if (fault instanceof DamagedRow) return fault;
    throw fault;
  }
}

/** Rows that were read one by one, so that a damaged one hides no other. */
export interface ReadRows<T> {
  readonly sound: readonly T[];
  readonly unsound: readonly { readonly row: SqlRow; readonly fault: DamagedRow }[];
}

/** Reads rows that may be damaged. */
export function readApart<T>(rows: readonly SqlRow[], read: (row: SqlRow) => T): ReadRows<T> {
  const sound: T[] = [];
  const unsound: { readonly row: SqlRow; readonly fault: DamagedRow }[] = [];
  for (const row of rows) {
    const value = tryRead(row, read);
    if (value instanceof DamagedRow) unsound.push({ row, fault: value });
    else sound.push(value);
  }
  return { sound, unsound };
}

/** The rows that can be read. */
export function readSound<T>(rows: readonly SqlRow[], read: (row: SqlRow) => T): readonly T[] {
  return readApart(rows, read).sound;
}

/**
 * The place after which the next page begins; `undefined` after the last page.
 *
 * @param limit how many rows were asked for
 * @param column the column that counts as damaged where no row has a readable position
 * @throws DamagedRow for a full page in which no row has a readable position: the next page could not begin after it
 */
export function lastPlace<P>(
  rows: readonly SqlRow[],
  limit: number,
  placeOf: (row: SqlRow) => P | undefined,
  column: string,
): P | undefined {
  if (rows.length < limit) return undefined;
  return rows.map(placeOf).findLast((place) => place !== undefined) ?? damaged(column);
}

/** Whether the calendar has a moment, so that it can be written as a date. */
export function isMoment(ms: number): boolean {
  return Math.abs(ms) <= LAST_MOMENT;
}
