import { createHash } from 'node:crypto';
import type { Quote } from '../quotes.ts';
import { text, whole } from './row.ts';
import type { SqlValue, Statement } from './sql-engine.ts';

/** Quotes of one statement: engines bound the number of parameters. */
const QUOTES_AT_ONCE = 100;

/**
 * Quotes of one transaction: with a commit for each statement, commits took half of the time for five thousand quotes.
 */
const QUOTES_TOGETHER = 2000;

/**
 * Writes the quotes in force: statements of a hundred quotes, in one list for each transaction. Each list is made on
 * demand: a hundred thousand quotes need not be in memory as statements at once.
 */
export function* rememberStatements(
  quotes: readonly Omit<Quote, 'seenAt'>[],
  now: number,
): Generator<readonly Statement[]> {
  const rows = rowsOf(quotes);
  for (let start = 0; start < rows.length; start += QUOTES_TOGETHER) {
    const statements: Statement[] = [];
    const end = Math.min(start + QUOTES_TOGETHER, rows.length);
    for (let first = start; first < end; first += QUOTES_AT_ONCE)
      statements.push(rememberStatement(rows.slice(first, Math.min(first + QUOTES_AT_ONCE, end)), now));
    yield statements;
  }
}

function rememberStatement(rows: readonly QuoteRow[], now: number): Statement {
  const values: SqlValue[] = [];
  const places = rows.map(({ digest, quote: { route, offer } }) => {
    values.push(digest, text(route), text(offer), whole(now));
    const last = values.length;
    return `($${last - 3}, $${last - 2}, $${last - 1}, $${last})`;
  });
  const query = `INSERT INTO turnpike_quotes (digest, route, offer, seen_at) VALUES ${places.join(', ')}
    ON CONFLICT (digest) DO UPDATE SET seen_at = excluded.seen_at WHERE turnpike_quotes.seen_at < excluded.seen_at`;
  return { kind: 'write', text: query, values };
}

/** A quote and its key in the table. */
interface QuoteRow {
  readonly digest: string;
  readonly quote: Omit<Quote, 'seenAt'>;
}

/** The rows of each list that was written: a gateway writes the same list again every few seconds. */
const knownRows = new WeakMap<readonly Omit<Quote, 'seenAt'>[], readonly QuoteRow[]>();

/**
 * In the same order on every replica, or two of them could wait for each other. Each quote once, or a statement would
 * write one row twice.
 */
function rowsOf(quotes: readonly Omit<Quote, 'seenAt'>[]): readonly QuoteRow[] {
  const known = knownRows.get(quotes);
  if (known !== undefined) return known;
  const byDigest = new Map(quotes.map((quote) => [digestOf(quote), quote]));
  const rows = Array.from(byDigest, ([digest, quote]) => ({ digest, quote }));
  rows.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  knownRows.set(quotes, rows);
  return rows;
}

/** Deletes quotes that were last in force before `since`. */
export function forgetQuotesStatement(since: number): Statement {
  const query = 'DELETE FROM turnpike_quotes WHERE seen_at < $1';
  return { kind: 'write', name: 'forget_quotes', text: query, values: [whole(since)] };
}

/** Reads the quotes that were in force since then. */
export function recallQuotesStatement(since: number): Statement {
  const query = 'SELECT route, offer, seen_at FROM turnpike_quotes WHERE seen_at >= $1 ORDER BY seen_at, digest';
  return { kind: 'read', name: 'recall_quotes', text: query, values: [whole(since)] };
}

function digestOf({ route, offer }: Omit<Quote, 'seenAt'>): string {
  return createHash('sha256')
    .update(JSON.stringify([route, offer]))
    .digest('hex');
}
