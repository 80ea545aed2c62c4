import type { Dialect } from '../sql/sql-engine.ts';

/**
 * The dialect of SQLite. Text is ordered by code point. One transaction writes at a time, so that rows need no locks.
 *
 * In a file of its own, so that `node:sqlite` is loaded in the thread only.
 */
export const sqliteDialect: Dialect = {
  text: 'TEXT',
  bytes: 'BLOB',
  fitsIndexesBy: 'words',
  takeRows: '',
  modelOfUsage: "CASE WHEN json_valid(usage) THEN usage -> '$.model' END",
  findVersionTable: "SELECT 1 AS found FROM sqlite_schema WHERE type = 'table' AND name = 'turnpike_schema_version'",
  findColumns:
    "SELECT tables.name AS of_table, columns.name AS name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' AND tables.name LIKE 'turnpike\\_%' ESCAPE '\\'",
  beginAlone: ['BEGIN IMMEDIATE'],
  isHeldUp: () => false,
};
