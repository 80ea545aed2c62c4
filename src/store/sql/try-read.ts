import { DamagedRow } from '../damaged-row.ts';
import type { SqlRow } from './sql-engine.ts';

/** The last moment of the calendar, in Unix milliseconds. */
const LAST_MOMENT = 8_640_000_000_000_000;

/** Reads a row that may be damaged: then what is wrong with it is the outcome. */
export function tryRead<T>(row: SqlRow, read: (row: SqlRow) => T): T | DamagedRow {
  try {
    return read(row);
  } catch (fault) {
    if (fault instanceof DamagedRow) return fault;
    throw fault;
  }
}

/** Those of the rows that can be read. */
export function readSound<T>(rows: readonly SqlRow[], read: (row: SqlRow) => T): readonly T[] {
  return rows.flatMap((row) => {
    const value = tryRead(row, read);
    return value instanceof DamagedRow ? [] : [value];
  });
}

/** Whether the calendar has a moment, so that it can be written for people. */
export function isMoment(ms: number): boolean {
  return Math.abs(ms) <= LAST_MOMENT;
}
