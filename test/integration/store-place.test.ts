import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { describeStartFault, restoreStartFault } from '../../src/server/workers/start-fault.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { ForeignStoreError } from '../../src/store/store-open-error.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-store-'));
  execFileSync('mkfifo', [at('pipe')]);
  mkdirSync(at('folder'));
  writeFileSync(at('text'), 'a text of somebody that is no database\n'.repeat(100));
  write(at('shop.db'), 'CREATE TABLE customers (id INTEGER PRIMARY KEY); CREATE TABLE orders (id INTEGER PRIMARY KEY)');
  write(at('marked.db'), 'PRAGMA application_id = 7');
  write(at('namesake.db'), 'CREATE TABLE turnpike_payments (id INTEGER PRIMARY KEY)');
  write(at('versions.db'), 'CREATE TABLE turnpike_schema_version (tag TEXT); CREATE TABLE t (id INTEGER)');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function readOne(path: string, sql: string): Readonly<Record<string, unknown>> | undefined {
  const database = new DatabaseSync(path, { readOnly: true });
  const row = database.prepare(sql).get();
  database.close();
  return row;
}

async function turnpike(...argv: string[]): Promise<{ readonly code: number; readonly err: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdout.resume();
  const err = text(stderr);
  const code = await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  stderr.end();
  return { code, err: await err };
}

async function start(path: string): Promise<{ readonly code: number; readonly err: string }> {
  const file = at('gateway.yaml');
  writeFileSync(
    file,
    `listen: 127.0.0.1:0\nadmin: off\nupstream: http://127.0.0.1:9\nstore: sqlite:${path}\nroutes: [{ path: /*, price: free }]\n`,
  );
  return await turnpike('start', '-c', file);
}

describe('a store that is no ledger', () => {
  it.each([
    ['pipe', 'no file but a folder, a pipe or a device'],
    ['folder', 'no file but a folder, a pipe or a device'],
    ['text', 'no SQLite database'],
    ['shop.db', 'its tables: customers, orders'],
    ['marked.db', 'its tables: none'],
    ['namesake.db', 'its tables: turnpike_payments'],
  ])('ends the start with 2 and names its path: %s', async (name, why) => {
    const { code, err } = await start(at(name));
    expect(code).toBe(2);
    expect(err).toContain(at(name));
    expect(err).toContain(why);
  });

  it('ends the start with 2 where the table of versions has other columns', async () => {
    const { code, err } = await start(at('versions.db'));
    expect([code, err]).toEqual([2, expect.stringContaining('table: turnpike_schema_version')]);
    expect(readOne(at('versions.db'), 'SELECT COUNT(*) AS count FROM sqlite_schema')).toEqual({ count: 2 });
  });

  it.each(['text', 'shop.db', 'marked.db'])('is left as it is, byte by byte: %s', async (name) => {
    const before = readFileSync(at(name));
    await start(at(name));
    expect(readFileSync(at(name)).equals(before)).toBe(true);
  });

  it('is told from an empty ledger by those who read', async () => {
    const { code, err } = await turnpike('ledger', 'list', '--store', `sqlite:${at('shop.db')}`);
    expect([code, err]).toEqual([2, expect.stringContaining('database of another program')]);
  });

  it('is reported by a worker as by a gateway of one process', () => {
    const fault = new ForeignStoreError('the ledger is none');
    expect(restoreStartFault(describeStartFault(fault))).toEqual(fault);
    expect(restoreStartFault(describeStartFault(fault))).toBeInstanceOf(ForeignStoreError);
  });
});

describe('a ledger', () => {
  const ID = { application_id: 0x54726e70 };

  it.each(['new.db', 'empty.db'])('is marked as ours when it is made: %s', async (name) => {
    if (name === 'empty.db') writeFileSync(at(name), '');
    await (await openSqliteLedger(at(name))).close();
    expect(readOne(at(name), 'PRAGMA application_id')).toEqual(ID);
  });

  it('of an older version has no mark, opens, and gets it', async () => {
    write(at('old.db'), readFileSync(new URL('../support/ledgers/schema-4.sql', import.meta.url), 'utf8'));
    await (await openSqliteLedger(at('old.db'))).close();
    expect(readOne(at('old.db'), 'PRAGMA application_id')).toEqual(ID);
  });

  it('opens where an older version put it among the tables of another program, and leaves their mark', async () => {
    copyFileSync(at('old.db'), at('shared.db'));
    write(at('shared.db'), 'PRAGMA application_id = 0; CREATE TABLE customers (id INTEGER PRIMARY KEY)');
    await (await openSqliteLedger(at('shared.db'))).close();
    expect(readOne(at('shared.db'), 'PRAGMA application_id')).toEqual({ application_id: 0 });
    write(at('shared.db'), 'PRAGMA application_id = 7');
    await (await openSqliteLedger(at('shared.db'))).close();
    expect(readOne(at('shared.db'), 'PRAGMA application_id')).toEqual({ application_id: 7 });
  });
});
