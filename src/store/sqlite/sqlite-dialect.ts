import type { Dialect } from '../sql/sql-engine.ts';

/**
 * How SQLite spells it. Its text is ordered by code point; one transaction writes at a time, so that rows need no locks.
 *
 * Apart from what opens files, so that `node:sqlite` is loaded in the thread only.
 */
export const sqliteDialect: Dialect = {
  text: 'TEXT',
  bytes: 'BLOB',
  takeRows: '',
  modelOfUsage: "CASE WHEN json_valid(usage) THEN usage -> '$.model' END",
  findVersionTable: "SELECT 1 AS found FROM sqlite_schema WHERE type = 'table' AND name = 'turnpike_schema_version'",
  beginAlone: ['BEGIN IMMEDIATE'],
};
