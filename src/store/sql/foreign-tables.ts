import { ForeignStoreError, StoreOpenError } from '../store-open-error.ts';
import type { SchemaRow, SchemaSession } from './schema.ts';
import type { Dialect } from './sql-engine.ts';

/** Columns by table, of all tables whose names begin like ours. */
export type ColumnsOfTables = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the rows of a dialect's `findColumns`. */
export function readColumns(rows: readonly SchemaRow[]): ColumnsOfTables {
  const tables = new Map<string, Set<string>>();
  for (const row of rows) {
    const name = String(row['of_table']);
    const columns = tables.get(name) ?? new Set();
    tables.set(name, columns.add(String(row['name'])));
  }
  return tables;
}

/**
 * Refuses a table of another program that has the name of the version table.
 *
 * @throws ForeignStoreError
 */
export function refuseForeignVersions(found: ColumnsOfTables): void {
  if (found.get('turnpike_schema_version')?.has('version') === false) throw foreign('turnpike_schema_version');
}

/**
 * Refuses to make tables beside a ledger that lies in another schema of the search path: the new ones would hide it, and
 * to an empty ledger every used payment is new. It happens where a schema was made later that comes first in the path,
 * such as one with the name of the user.
 *
 * @param found in the schema in which tables are made
 * @throws StoreOpenError
 */
export async function refuseOtherSchema(
  session: SchemaSession,
  { findVersionTable }: Pick<Dialect, 'findVersionTable'>,
  found: ColumnsOfTables,
): Promise<void> {
  if (found.has('turnpike_schema_version') || (await session.run(findVersionTable)).length === 0) return;
  throw new StoreOpenError(
    'the ledger lies in another schema than the one in which new tables are made\nput its schema first in the search_path, such as by ?options=-c%20search_path%3Dpublic in the URL; nothing was changed',
  );
}

/** The names of the tables that statements make. */
export function tablesMadeBy(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => /^CREATE TABLE (\w+)/.exec(text)?.[1] ?? []);
}

/**
 * Refuses tables of another program before steps that would create or change ours.
 *
 * @param version of the schema before the steps
 * @param texts the statements of all steps
 * @throws ForeignStoreError
 */
export function refuseForeignTables(found: ColumnsOfTables, version: number, texts: readonly string[]): void {
  if (version > 0 && found.get('turnpike_payments')?.has('fingerprint') !== true) {
    throw foreign('turnpike_schema_version');
  }
  for (const name of tablesMadeBy(texts)) {
    if (found.has(name)) throw foreign(name);
  }
}

/** The fault of a table that has one of our names and is not ours. */
export function foreign(table: string): ForeignStoreError {
  return new ForeignStoreError(
    `the database has a table of another program under a name of the ledger\n  table: ${table}\nname another database in \`store\`; this one was left as it is`,
  );
}
