import type { PaymentRecord } from '../../domain/payment-record.ts';
import type { BookPage, BookPlace, UnreadableRow } from '../books.ts';
import { DamagedRow } from '../damaged-row.ts';
import { damaged, readRecord } from './row.ts';
import type { SqlRow } from './sql-engine.ts';
import { isMoment, tryRead } from './try-read.ts';

/**
 * Reads a page row by row: one that is damaged does not hide the others.
 *
 * @param limit how many rows were asked for
 * @throws DamagedRow for a full page of which no row says where it stands, after which nobody could go on
 */
export function readPage(rows: readonly SqlRow[], limit: number): BookPage {
  const records: PaymentRecord[] = [];
  const unreadable: UnreadableRow[] = [];
  let last: BookPlace | undefined;
  for (const row of rows) {
    const read = tryRead(row, readWhole);
    if (read instanceof DamagedRow) unreadable.push(describe(row, read));
    else records.push(read);
    last = placeOf(row) ?? last;
  }
  if (rows.length < limit) return { records, unreadable, last: undefined };
  return { records, unreadable, last: last ?? damaged('claimed_at') };
}

/** Reads what nothing but reports looks into, too: payments do not stop over it. */
function readWhole(row: SqlRow): PaymentRecord {
  const record = readRecord(row);
  const { usage, claimedAt, changedAt, resolution } = record;
  if (usage !== undefined && !isJson(usage)) damaged('usage');
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
