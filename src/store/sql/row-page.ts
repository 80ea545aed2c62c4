import type { PaymentRecord } from '../../domain/payment-record.ts';
import type { BookPage, BookPlace, UnreadableRow } from '../books.ts';
import type { DamagedRow } from '../damaged-row.ts';
import { damaged, readJson, readRecord } from './row.ts';
import type { SqlRow } from './sql-engine.ts';
import { isMoment, lastPlace, readApart } from './try-read.ts';

/**
 * Reads a page row by row: one that is damaged does not hide the others.
 *
 * @param limit how many rows were asked for
 * @throws DamagedRow for a full page in which no row has a readable position: the next page could not begin after it
 */
export function readPage(rows: readonly SqlRow[], limit: number): BookPage {
  const { sound, unsound } = readApart(rows, readForPeople);
  const unreadable = unsound.map(({ row, fault }) => describe(row, fault));
  return { records: sound, unreadable, last: lastPlace(rows, limit, placeOf, 'claimed_at') };
}

/** Also reads columns that only reports use: damage in them must not stop payments. */
function readForPeople(row: SqlRow): PaymentRecord {
  const record = readRecord(row);
  const { usage, claimedAt, changedAt, resolution } = record;
  if (usage !== undefined) readJson(row, 'usage');
  if (!isMoment(claimedAt)) damaged('claimed_at');
  if (!isMoment(changedAt)) damaged('changed_at');
  if (resolution !== undefined && !isMoment(resolution.at)) damaged('resolved_at');
  return record;
}

function describe(row: SqlRow, { column }: DamagedRow): UnreadableRow {
  const key = row.get('key');
  const claimedAt = row.get('claimed_at');
  return {
    key: typeof key === 'string' ? key : '',
    claimedAt: typeof claimedAt === 'number' && isMoment(claimedAt) ? claimedAt : undefined,
    column,
  };
}

function placeOf(row: SqlRow): BookPlace | undefined {
  const key = row.get('key');
  const claimedAt = row.get('claimed_at');
  return typeof key === 'string' && Number.isSafeInteger(claimedAt) ? { claimedAt: Number(claimedAt), key } : undefined;
}
