import type { LedgerEntry } from '../../admin/payment-entry.ts';

/** The columns of `export --format csv`, in order. A later version may add some at the end. */
const CSV_COLUMNS: readonly { readonly name: string; readonly of: (entry: LedgerEntry) => string | null }[] = [
  { name: 'claimed_at', of: (entry) => entry.claimedAt },
  { name: 'state', of: (entry) => entry.state },
  { name: 'route', of: (entry) => entry.route },
  { name: 'network', of: (entry) => entry.network },
  { name: 'asset', of: (entry) => entry.asset },
  { name: 'symbol', of: (entry) => entry.symbol },
  { name: 'price', of: (entry) => entry.amount },
  { name: 'price_atomic', of: (entry) => entry.amountAtomic },
  { name: 'settled', of: ({ settled }) => settled?.amount ?? null },
  { name: 'settled_atomic', of: ({ settled }) => settled?.amountAtomic ?? null },
  { name: 'settled_at', of: ({ settled }) => settled?.at ?? null },
  { name: 'transaction', of: ({ settled }) => settled?.transaction ?? null },
  { name: 'payer', of: (entry) => entry.payer },
  { name: 'pay_to', of: (entry) => entry.payTo },
  { name: 'scheme', of: (entry) => entry.scheme },
  { name: 'facilitator', of: (entry) => entry.facilitator },
  { name: 'request_id', of: (entry) => entry.requestId },
  { name: 'payment_key', of: (entry) => entry.key },
  { name: 'attempt_transaction', of: (entry) => entry.attempt },
  { name: 'reason', of: (entry) => entry.reason },
  { name: 'asked', of: (entry) => entry.asked },
  { name: 'asked_atomic', of: (entry) => entry.askedAtomic },
  { name: 'resolved_at', of: ({ resolved }) => resolved?.at ?? null },
  { name: 'resolved_note', of: ({ resolved }) => resolved?.note ?? null },
  { name: 'model', of: ({ usage }) => usage?.model ?? null },
  { name: 'usage', of: ({ usage }) => (usage === null ? null : JSON.stringify(usage)) },
  { name: 'protocol', of: (entry) => entry.protocol },
];

/** The header row, without its line end. */
export const CSV_HEADER: string = CSV_COLUMNS.map(({ name }) => name).join(',');

/** RFC 4180 §2.1: rows end with CRLF. */
export const CSV_ROW_END = '\r\n';

/**
 * What a spreadsheet takes for a formula, in the list of OWASP ("CSV Injection"), full-width forms included; some skip
 * white space before it.
 */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;

/** One row of RFC 4180, without its line end. */
export function csvRow(entry: LedgerEntry): string {
  return CSV_COLUMNS.map(({ of }) => csvCell(of(entry) ?? '')).join(',');
}

/**
 * One cell. Text that a spreadsheet would run as a formula gets an apostrophe in front: most cells are ours, but a route
 * may be called `-x`, and request ids, identifiers and reasons come from elsewhere.
 */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
