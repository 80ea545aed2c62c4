import type { DatabaseSync } from 'node:sqlite';
import { ForeignStoreError } from '../store-open-error.ts';

/** What a SQLite file says of the program that it belongs to: "Trnp" in its header. */
const APPLICATION_ID = 0x54726e70;
/** Names of tables in a message. */
const NAMED = 5;

/**
 * Refuses the database of another program. Ledgers of older versions have no mark, but their tables.
 *
 * @throws ForeignStoreError
 */
export function refuseForeign(database: DatabaseSync, path: string): void {
  const id = applicationId(database);
  if (id === APPLICATION_ID) return;
  const tables = tablesOf(database);
  if (tables.includes('turnpike_schema_version') || (id === 0 && tables.length === 0)) return;
  const names = tables.length === 0 ? 'none' : tables.slice(0, NAMED).join(', ') + (tables.length > NAMED ? ', …' : '');
  throw new ForeignStoreError(
    `the ledger's file is the database of another program\n  file: ${path}\n  its tables: ${names}\nname a path of its own in \`store\`; the file was left as it is`,
  );
}

/** Marks a new ledger, and one of an older version, unless tables of another program share its file. */
export function markOwn(database: DatabaseSync): void {
  if (applicationId(database) !== 0) return;
  if (!tablesOf(database).every((name) => name.startsWith('turnpike_'))) return;
  try {
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  } catch {
    // The disk is full, or another process writes for long: the next start marks it.
  }
}

function applicationId(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA application_id').get()?.['application_id']);
}

/** Without the tables that SQLite keeps for itself. */
function tablesOf(database: DatabaseSync): readonly string[] {
  const text =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
  return database
    .prepare(text)
    .all()
    .map((row) => String(row['name']));
}
