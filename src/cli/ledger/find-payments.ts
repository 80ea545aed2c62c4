import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentRecord } from '../../domain/payment-record.ts';
import type { BookFilter } from '../../store/books.ts';
import type { OpenBooks } from './open-books.ts';
import { readPages } from './pages.ts';

/** Most payments that are shown under one id, and most keys that are named for one beginning. */
export const MOST_FOUND = 100;
const MOST_NAMED = 5;
/** Fewest characters of a beginning: those that `list` shows. */
const LEAST_BEGINNING = 8;

/** What an id stands for. */
export type Found =
  /** The payment with that key; or all with that request id, transaction or nonce, which several may share. */
  | { readonly kind: 'found'; readonly records: readonly PaymentRecord[]; readonly more: boolean }
  /** The beginning of several keys, of which some are named. */
  | { readonly kind: 'ambiguous'; readonly keys: readonly string[] }
  | { readonly kind: 'none' };

/**
 * Finds payments by their key, else, among those of `filter`, by request id, transaction (settled or attempted), nonce
 * or the beginning of one of them.
 *
 * The store finds rows by their key. Any other id needs a walk through the pages, so `filter` bounds the search.
 */
export async function findPayments(books: OpenBooks['books'], id: string, filter: BookFilter): Promise<Found> {
  // Text that is no key finds nothing.
  const keyed = await books.find(id as PaymentKey);
  if (keyed !== undefined) return { kind: 'found', records: [keyed], more: false };
  const named: PaymentRecord[] = [];
  const begun = new Map<string, PaymentRecord>();
  for await (const page of readPages(books, filter)) {
    for (const record of page.records) {
      if (goesBy(record, id)) named.push(record);
      else if (begins(record, id) && begun.size < MOST_NAMED) begun.set(record.key, record);
    }
    if (named.length > MOST_FOUND) break;
  }
  if (named.length > 0) return { kind: 'found', records: named.slice(0, MOST_FOUND), more: named.length > MOST_FOUND };
  if (begun.size > 1) return { kind: 'ambiguous', keys: [...begun.keys()] };
  return begun.size === 1 ? { kind: 'found', records: [...begun.values()], more: false } : { kind: 'none' };
}

function goesBy({ key, requestId, settlement, attempt }: PaymentRecord, id: string): boolean {
  if (requestId === id) return true;
  return [settlement?.transaction, attempt?.transaction, nonceOf(key)].some(
    (one) => one !== undefined && same(one, id),
  );
}

/** Whether an id is the beginning of a key, or a long enough beginning of one of the other names. */
function begins({ key, requestId, settlement, attempt }: PaymentRecord, id: string): boolean {
  if (key.startsWith(id)) return true;
  if (id.length < LEAST_BEGINNING) return false;
  const names = [requestId, settlement?.transaction, attempt?.transaction, nonceOf(key)];
  return names.some((one) => one !== undefined && same(one.slice(0, id.length), id));
}

/** The last part of a key that has several; the others are digests. */
export function nonceOf(key: string): string | undefined {
  return key.includes('|') ? key.slice(key.lastIndexOf('|') + 1) : undefined;
}

/** Hashes and nonces are hexadecimal on EVM chains, where the case of letters means nothing; elsewhere it does. */
function same(text: string, id: string): boolean {
  return /^0x/i.test(id) ? text.toLowerCase() === id.toLowerCase() : text === id;
}
