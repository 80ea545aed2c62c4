import { setTimeout as wait } from 'node:timers/promises';
import { StoreOpenError } from '../store-open-error.ts';
import {
  foreign,
  readColumns,
  refuseForeignTables,
  refuseForeignVersions,
  refuseOtherSchema,
  tablesMadeBy,
} from './foreign-tables.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Dialect } from './sql-engine.ts';

/** One row as the driver gives it. */
export type SchemaRow = Readonly<Record<string, unknown>>;

/** One connection on which nothing else runs. */
export interface SchemaSession {
  run(text: string): readonly SchemaRow[] | Promise<readonly SchemaRow[]>;
}

/** How long a migration tries to get tables that others use, and the pause between two tries, in milliseconds. */
const HELD_UP_MS = 60_000;
const PAUSE_MS = 1000;

/**
 * A step that took longer is followed by a pause, both in milliseconds: whoever waits for SQLite looks again each 100 ms,
 * and would never find the moment between two steps. Measured with ten million payments: a writer waited for all of 14 s.
 */
const LONG_STEP_MS = 50;
const GIVE_WAY_MS = 150;

const READ_VERSION = 'SELECT MAX(version) AS version FROM turnpike_schema_version';

/**
 * Brings a database to this version's schema, each step in a transaction of its own, in one process at a time: any
 * number of workers and replicas may start at once. A step that has to wait for others, such as a backup, gives way
 * and tries again: replicas of the version before go on meanwhile.
 *
 * @throws StoreOpenError when a newer version of the gateway has been here
 * @throws ForeignStoreError when another program has tables under our names
 */
export async function migrate(session: SchemaSession, dialect: Dialect): Promise<void> {
  if ((await versionIfAny(session)) === MIGRATIONS.length) return;
  const until = performance.now() + HELD_UP_MS;
  for (;;) {
    for (const begin of dialect.beginAlone) await session.run(begin);
    try {
      const begun = performance.now();
      const done = await takeStep(session, dialect);
      await session.run('COMMIT');
      if (done) return;
      if (performance.now() - begun > LONG_STEP_MS) await wait(GIVE_WAY_MS);
    } catch (error) {
      await rollBack(session);
      if (!dialect.isHeldUp(error)) throw error;
      if (performance.now() > until) {
        throw new StoreOpenError(
          'the ledger cannot be brought to the schema of this version\n  reason: another session, such as a backup, holds its tables\nstart it again when that is done',
        );
      }
      await wait(PAUSE_MS);
    }
  }
}

/** The names of the tables of this version's schema. */
export function tablesOf(dialect: Dialect): readonly string[] {
  return tablesMadeBy(MIGRATIONS.flatMap((each) => each(dialect)));
}

/**
 * Makes sure that a database has this version's schema, and changes nothing about it.
 *
 * @throws StoreOpenError when there is no ledger in it, or one of another version
 */
export async function requireSchema(session: SchemaSession, dialect: Dialect): Promise<void> {
  const [table] = await session.run(dialect.findVersionTable);
  if (table === undefined) {
    throw new StoreOpenError('there is no ledger in this database yet\nthe gateway makes it when it starts');
  }
  const version = readVersion(await session.run(READ_VERSION));
  if (version === MIGRATIONS.length) return;
  throw new StoreOpenError(
    `the ledger was written by an older version of turnpike\n  its schema: ${version}\n  known here: ${MIGRATIONS.length}\nread it with the version that runs on it; this one brings it up to date when its gateway starts`,
  );
}

/** Runs the next migration. Resolves to `true` when there is none. */
async function takeStep(session: SchemaSession, dialect: Dialect): Promise<boolean> {
  const found = readColumns(await session.run(dialect.findColumns));
  refuseForeignVersions(found);
  await refuseOtherSchema(session, dialect, found);
  await session.run('CREATE TABLE IF NOT EXISTS turnpike_schema_version (version BIGINT NOT NULL PRIMARY KEY)');
  const version = readVersion(await session.run(READ_VERSION));
  const migration = MIGRATIONS[version];
  if (migration === undefined) return true;
  // All steps that are to come: a refusal leaves no half of a ledger behind.
  refuseForeignTables(
    found,
    version,
    MIGRATIONS.slice(version).flatMap((each) => each(dialect)),
  );
  for (const text of migration(dialect)) await session.run(text);
  await session.run(`INSERT INTO turnpike_schema_version (version) VALUES (${version + 1})`);
  return false;
}

/**
 * The version, read without a lock; `undefined` when it cannot be read. An up-to-date database then needs no right to
 * create tables, and a restart waits for no other process.
 */
async function versionIfAny(session: SchemaSession): Promise<number | undefined> {
  let rows: readonly SchemaRow[];
  try {
    rows = await session.run(READ_VERSION);
  } catch {
    return undefined;
  }
  return readVersion(rows);
}

function readVersion(rows: readonly SchemaRow[]): number {
  const version = Number(rows[0]?.['version'] ?? 0);
  if (!Number.isSafeInteger(version)) throw foreign('turnpike_schema_version');
  if (version > MIGRATIONS.length) {
    throw new StoreOpenError(
      `the ledger was written by a newer version of turnpike\n  its schema: ${version}\n  known here: ${MIGRATIONS.length}\nstart the newer version, or name another database in \`store\``,
    );
  }
  return version;
}

/** Ignores its own failure: the caller reports the first error, after which the connection may be gone. */
async function rollBack(session: SchemaSession): Promise<void> {
  try {
    await session.run('ROLLBACK');
  } catch {
    // The engine has rolled it back already, or will when the connection ends.
  }
}
