import { DatabaseError } from 'pg';
import type { Dialect } from '../sql/sql-engine.ts';

/** For one statement of a report or of a migration, in milliseconds. */
export const LONG_STATEMENT_MS = 60_000;
/** How long a step of a migration waits for a table that others use, in milliseconds. */
const LOCK_MS = 1000;
/** PostgreSQL's error code (Appendix A) for `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03';
/** Any number that other users of the database are unlikely to lock: "turnpike" in base 36, shortened. */
const MIGRATION_LOCK = 1_813_552_046;

/** The dialect of PostgreSQL. `C` orders by code point, whatever the language of the database. */
export const postgresDialect: Dialect = {
  text: 'TEXT COLLATE "C"',
  bytes: 'BYTEA',
  fitsIndexesBy: 'meaning',
  takeRows: 'FOR UPDATE SKIP LOCKED',
  // Not `::json`: it fails for text that is no JSON, and versions before 16 have no test for that. The pattern matches
  // the text of `encodeUsage`.
  modelOfUsage: String.raw`substring(usage from '^\{"meter":"(?:[^"\\]|\\.)*","model":("(?:[^"\\]|\\.)*"|null)')`,
  findVersionTable: "SELECT 1 AS found WHERE to_regclass('turnpike_schema_version') IS NOT NULL",
  // Not `information_schema`: it shows only what the user has rights to.
  findColumns: String.raw`SELECT tables.relname AS of_table, columns.attname AS name
    FROM pg_class AS tables JOIN pg_attribute AS columns ON columns.attrelid = tables.oid
    WHERE tables.relnamespace = current_schema()::regnamespace AND tables.relname LIKE 'turnpike\_%'
      AND tables.relkind IN ('r', 'p', 'v', 'm', 'f') AND columns.attnum > 0 AND NOT columns.attisdropped`,
  beginAlone: [
    'BEGIN',
    `SET LOCAL statement_timeout = ${LONG_STATEMENT_MS}`,
    `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`,
    // Statements of other processes queue behind one that waits for a table, and have five seconds.
    `SET LOCAL lock_timeout = ${LOCK_MS}`,
  ],
  isHeldUp: (fault) => fault instanceof DatabaseError && fault.code === LOCK_NOT_AVAILABLE,
};
