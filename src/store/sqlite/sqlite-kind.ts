import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Parsed } from '../../domain/price.ts';
import type { StoreKind } from '../store-kind.ts';

const PREFIX = 'sqlite:';
const EXAMPLE = 'sqlite:./turnpike.db';
const RIGHT = `a file such as ${EXAMPLE}`;

/** `store: sqlite:PATH`: a ledger in a file, which the processes of one machine share. */
export const sqliteKind: StoreKind = {
  name: 'sqlite',
  example: EXAMPLE,
  pattern: `${PREFIX}(?!:memory:$|file:|//|~)[^?]*[^/?]`,
  lasting: true,
  isMeant: (given) => given.startsWith(PREFIX),
  parse: (given) => parsePath(given.slice(PREFIX.length)),
  describe: (path) => resolve(path),
  open: async (path) => await (await import('./sqlite-ledger.ts')).openSqliteLedger(path),
  reading: {
    // Opening would create the file, and an empty ledger would look like no sales.
    whyMissing: (path) =>
      statSync(path, { throwIfNoEntry: false })?.isFile() === true
        ? undefined
        : `there is no ledger yet\n  file: ${resolve(path)}\nthe gateway creates it when it starts; a relative path counts from the working directory, so run this where the gateway runs`,
    open: async (path) => await (await import('./sqlite-ledger.ts')).openSqliteReader(path),
  },
};

/** Reads a path. Refuses text that SQLite or an operator would not take for the name of a file. */
function parsePath(path: string): Parsed<string> {
  const wrong = (why: string, right = RIGHT): Parsed<string> => ({ ok: false, wrong: why, right });
  if (path === '') return wrong('the path of the database file is missing');
  if (path === ':memory:')
    return wrong('a database in memory forgets every payment at a restart', `memory to say so, or ${RIGHT}`);
  if (path.trim() !== path) return wrong('there is a blank before or after the path');
  if (path.startsWith('//') || path.startsWith('file:') || path.includes('?'))
    return wrong('the store is written as a URL, but takes a path');
  if (path.startsWith('~')) return wrong('the path begins with ~, which only a shell understands', 'an absolute path');
  if (/(?:^|\/)\.{0,2}$/.test(path)) return wrong('the path is that of a folder');
  return { ok: true, value: path };
}
