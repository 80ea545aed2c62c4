import { createHash } from 'node:crypto';
import type { PaymentKey } from '../../domain/payment.ts';
import type { KeptAnswer } from '../answers.ts';
import type { Quote } from '../quotes.ts';
import { text, whole } from './row.ts';
import type { SqlValue, Statement } from './sql-engine.ts';

/** Quotes of one statement: engines bound the number of parameters. */
const QUOTES_AT_ONCE = 100;

/** Keeps an answer. */
export function keepStatement(key: PaymentKey, answer: KeptAnswer): Statement {
  const query = `INSERT INTO turnpike_answers (key, status, status_text, headers, body, request_id, request_digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (key) DO UPDATE SET status = excluded.status, status_text = excluded.status_text,
      headers = excluded.headers, body = excluded.body, request_id = excluded.request_id, request_digest = excluded.request_digest`;
  const { status, statusText, headers, body, requestId, requestDigest } = answer;
  const head = [status, text(statusText), JSON.stringify(headers)];
  const values = [text(key), ...head, body, text(requestId), text(requestDigest)];
  return { kind: 'write', name: 'keep', text: query, values };
}

/** Reads a kept answer. */
export function recallStatement(key: PaymentKey): Statement {
  const query =
    'SELECT status, status_text, headers, body, request_id, request_digest FROM turnpike_answers WHERE key = $1';
  return { kind: 'read', name: 'recall', text: query, values: [text(key)] };
}

/**
 * Writes down the quotes in force, a hundred at a time. Each statement is made when it is asked for and can stand in a
 * transaction of its own: ten thousand quotes need not be there as statements at once.
 */
export function* rememberStatements(quotes: readonly Omit<Quote, 'seenAt'>[], now: number): Generator<Statement> {
  const rows = rowsOf(quotes);
  for (let start = 0; start < rows.length; start += QUOTES_AT_ONCE) {
    const values: SqlValue[] = [];
    const places = rows.slice(start, start + QUOTES_AT_ONCE).map(({ digest, quote: { route, offer } }) => {
      values.push(digest, text(route), text(offer), whole(now));
      const last = values.length;
      return `($${last - 3}, $${last - 2}, $${last - 1}, $${last})`;
    });
    const query = `INSERT INTO turnpike_quotes (digest, route, offer, seen_at) VALUES ${places.join(', ')}
      ON CONFLICT (digest) DO UPDATE SET seen_at = excluded.seen_at WHERE turnpike_quotes.seen_at < excluded.seen_at`;
    yield { kind: 'write', text: query, values };
  }
}

/** A quote and what it is known by in the table. */
interface QuoteRow {
  readonly digest: string;
  readonly quote: Omit<Quote, 'seenAt'>;
}

/** The rows of lists that were written down: a gateway says the same list again every few seconds. */
const knownRows = new WeakMap<readonly Omit<Quote, 'seenAt'>[], readonly QuoteRow[]>();

/** In one order everywhere, or two replicas could wait for each other; each once, or one row would be written twice. */
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
