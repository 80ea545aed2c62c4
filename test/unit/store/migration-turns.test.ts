import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../../src/store/sql/migrations.ts';
import { migrate, type SchemaSession } from '../../../src/store/sql/schema.ts';
import { sqliteDialect } from '../../../src/store/sqlite/sqlite-dialect.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-migration-'));

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Longer than a step may take without a pause after it, in milliseconds. */
const LONG_MS = 60;

describe('a migration of a large ledger', () => {
  it('lets other writers in after each long step', async () => {
    const path = join(folder, 'ledger.db');
    const database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL');
    // The last three steps take long.
    const session: SchemaSession = {
      run(text) {
        const version = /INSERT INTO turnpike_schema_version .* \((\d+)\)/.exec(text)?.[1];
        if (Number(version) > MIGRATIONS.length - 3)
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONG_MS);
        return database.prepare(text).all();
      },
    };
    const other = new DatabaseSync(path);
    other.exec('PRAGMA busy_timeout = 0');
    const seen = new Set<unknown>();
    const looking = setInterval(() => {
      try {
        other.exec('BEGIN IMMEDIATE');
        seen.add(other.prepare('SELECT MAX(version) AS at FROM turnpike_schema_version').get()?.['at']);
        other.exec('COMMIT');
      } catch {
        if (other.isTransaction) other.exec('ROLLBACK');
      }
    }, 10);
    await migrate(session, sqliteDialect);
    clearInterval(looking);
    for (const each of [other, database]) each.close();
    // On a busy machine earlier steps may take as long.
    const late = [...seen].filter((version) => Number(version) > MIGRATIONS.length - 3);
    expect(late).toEqual([-2, -1, 0].map((before) => MIGRATIONS.length + before));
  });
});
