import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** A PgBouncer in transaction mode. */
export interface PgBouncer {
  /** The database that it was started for, by way of it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The PgBouncer of this machine (`TURNPIKE_TEST_PGBOUNCER` names another one), or `undefined`. */
export function findPgBouncer(): string | undefined {
  const places = [process.env['TURNPIKE_TEST_PGBOUNCER'] ?? 'pgbouncer', '/usr/sbin/pgbouncer'];
  return places.find((path) => spawnSync(path, ['--version']).status === 0);
}

/**
 * Starts one in front of a database. Each transaction gets whichever server connection is free, and there are few, so
 * that what a connection remembers is soon somebody else's.
 */
export async function startPgBouncer(executable: string, database: string): Promise<PgBouncer> {
  const { hostname, port: server, pathname, username, password } = new URL(database);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-pgbouncer-'));
  const file = join(folder, 'pgbouncer.ini');
  const users = join(folder, 'users.txt');
  await writeFile(users, `"${username}" "${password}"\n`);
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
`,
  );
  // It refuses to run as root, and then has to read its files as somebody else.
  const isRoot = process.getuid?.() === 0;
  for (const [path, mode] of [
    [folder, 0o755],
    [file, 0o644],
    [users, 0o644],
  ] as const)
    await chmod(path, mode);
  const child = spawn(executable, isRoot ? ['-u', 'nobody', file] : [file], { stdio: ['ignore', 'ignore', 'ignore'] });
  const gone = once(child, 'exit');
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await listening(port);
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${port}${pathname}`,
    async stop() {
      process.off('exit', kill);
      kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Its start has no event: it is asked until it takes a connection. */
async function listening(port: number): Promise<void> {
  for (const end = AbortSignal.timeout(20_000); ; await delay(20)) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (fault) {
      if (end.aborted) throw fault;
    } finally {
      socket.destroy();
    }
  }
}
