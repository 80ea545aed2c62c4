import { ForeignStoreError } from '../store-open-error.ts';
import type { SchemaRow } from './schema.ts';

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
  for (const text of texts) {
    const name = /^CREATE TABLE (\w+)/.exec(text)?.[1];
    if (name !== undefined && found.has(name)) throw foreign(name);
  }
}

/** The fault of a table that has one of our names and is not ours. */
export function foreign(table: string): ForeignStoreError {
  return new ForeignStoreError(
    `the database has a table of another program under a name of the ledger\n  table: ${table}\nname another database in \`store\`; this one was left as it is`,
  );
}
