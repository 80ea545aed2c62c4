import type { ClientBase } from 'pg';
import { StoreOpenError } from '../store-open-error.ts';

/** `-c search_path=…` or `--search_path=…`; in the value, a backslash stands before a blank. */
const SEARCH_PATH = /(?:^|\s)(?:-c\s*|--)search[_-]path=((?:\\.|[^\s\\])*)/gi;

/** The search path that command-line options of the server ask for; the last one counts. */
export function askedSearchPath(options: readonly string[]): string | undefined {
  const values = [...options.join(' ').matchAll(SEARCH_PATH)].map(([, value = '']) => value.replaceAll(/\\(.)/g, '$1'));
  return values.at(-1);
}

/**
 * Makes sure that a pooler passes on the search path that the URL asks for. Some ignore it without a word: a second
 * ledger would be made in another schema, to which every used payment is new.
 *
 * @throws StoreOpenError
 */
export async function requireSearchPath(client: ClientBase, options: readonly string[]): Promise<void> {
  const asked = askedSearchPath(options);
  if (asked === undefined) return;
  const { rows } = await client.query<{ search_path: unknown }>('SHOW search_path');
  const found = String(rows[0]?.search_path);
  if (plain(found) === plain(asked)) return;
  throw new StoreOpenError(
    `the connection pooler does not pass on the search_path of the URL\n  asked for: ${asked}\n  in force: ${found}\nconnect without the pooler, or set it at the pooler or for the role`,
  );
}

/** Poolers write quotes and blanks in their own way. */
function plain(path: string): string {
  return path.replaceAll(/["'\s]/g, '');
}
