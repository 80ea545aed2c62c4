import type { UnreadableRow } from '../store/books.ts';

/** A payment that cannot be read, as JSON shows it. */
export interface UnreadableEntry {
  /** Empty where not even that can be read. */
  readonly key: string;
  readonly claimedAt: string | null;
  /** The first column that cannot be read. */
  readonly unreadable: string;
}

/** Describes a row that cannot be read. */
export function describeUnreadable({ key, claimedAt, column }: UnreadableRow): UnreadableEntry {
  return { key, claimedAt: claimedAt === undefined ? null : new Date(claimedAt).toISOString(), unreadable: column };
}
