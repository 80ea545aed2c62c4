import { type ClientBase, DatabaseError, Pool, type PoolClient, type QueryConfig, TypeOverrides } from 'pg';
import { GatewayError } from '../../domain/gateway-error.ts';
import { migrate, requireSchema, type SchemaRow, tablesOf } from '../sql/schema.ts';
import {
  type Dialect,
  emptyRows,
  type SqlEngine,
  type SqlRow,
  type Statement,
  UniqueViolation,
} from '../sql/sql-engine.ts';
import { StoreOpenError } from '../store-open-error.ts';
import { LONG_STATEMENT_MS, postgresDialect } from './postgres-dialect.ts';
import {
  beginText,
  isRefusedByPooler,
  NoOwnSession,
  type OwnSession,
  ownSession,
  type PostgresAccess,
  type PostgresTimeouts,
  type Sessions,
} from './postgres-session.ts';
import type { PostgresAddress } from './postgres-url.ts';
import { requireSearchPath } from './search-path.ts';
import { requireTableRights } from './table-rights.ts';

/** How much longer the driver waits than the server: the server gives up with a certain result, the driver in doubt. */
const DRIVER_GRACE_MS = 1000;
/** How long the first connection is tried again when it gets no answer in time, in milliseconds. */
const OPENING_MS = 10_000;
/** PostgreSQL's error code (Appendix A) for a value that a unique index has already. */
const UNIQUE_VIOLATION = '23505';
/** The type id of `bigint`: counts, times and epochs, all far below 2^53. */
const BIGINT = 20;

/**
 * Connects, and brings the database to this version's schema. For reading, the schema has to exist.
 *
 * @throws StoreOpenError
 */
export async function openPostgresEngine(
  address: PostgresAddress,
  timeouts: PostgresTimeouts,
  access: PostgresAccess = 'write',
): Promise<SqlEngine> {
  try {
    return await openEngine(address, timeouts, access);
  } catch (error) {
    if (error instanceof StoreOpenError) throw error;
    throw new StoreOpenError(
      `the PostgreSQL ledger cannot be opened\n  database: ${address.shown}\n  reason: ${withoutSecrets(error).message}\ncheck that the server is reachable from here, and that the user may ${access === 'read' ? 'read its tables' : 'create tables'}`,
    );
  }
}

/** Assumes a server session of its own first, and finds out by the first connection whether a pooler is in between. */
async function openEngine(
  address: PostgresAddress,
  timeouts: PostgresTimeouts,
  access: PostgresAccess,
): Promise<SqlEngine> {
  try {
    const pool = openPool(address, timeouts, ownSession(timeouts, access));
    return await prepared(new PostgresEngine(pool, 'own'), address, access);
  } catch (error) {
    if (!(error instanceof NoOwnSession)) throw error;
    const pool = openPool(address, timeouts, undefined);
    return await prepared(new PostgresEngine(pool, { statementMs: timeouts.statementMs, access }), address, access);
  }
}

async function prepared(engine: PostgresEngine, address: PostgresAddress, access: PostgresAccess): Promise<SqlEngine> {
  try {
    await engine.prepare(address, access);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function openPool(
  { connectionString, options, pool: max }: PostgresAddress,
  timeouts: PostgresTimeouts,
  session: OwnSession | undefined,
): Pool {
  const types = new TypeOverrides();
  types.setTypeParser(BIGINT, Number);
  const pool = new Pool({
    connectionString,
    max,
    types,
    application_name: 'turnpike',
    connectionTimeoutMillis: timeouts.connectMs,
    query_timeout: timeouts.statementMs + DRIVER_GRACE_MS,
    keepAlive: true,
    // Idle connections do not keep the process alive.
    allowExitOnIdle: true,
    options: [...options, ...(session?.options ?? [])].join(' ') || undefined,
    ...(session !== undefined && { onConnect: session.check }),
  });
  // A connection that breaks while idle has left the pool already; without a listener the error ends the process.
  pool.on('error', () => undefined);
  // A connection that breaks in use fails its statement; without a listener the error would end the process, too.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * Runs each act on a connection of the pool, as a transaction of its own.
 *
 * What the ledger relies on, whatever the server's defaults: a commit is on the disk when it is reported, statements
 * see what was committed before them, and the server gives up what takes too long, with a certain result. A session of
 * our own is set up once, with its connection. Where a pooler may give each transaction to another session, every
 * transaction sets itself up, and nothing stays behind on a session, such as a prepared statement.
 */
class PostgresEngine implements SqlEngine {
  readonly dialect: Dialect = postgresDialect;
  readonly #pool: Pool;
  readonly #sessions: Sessions;

  constructor(pool: Pool, sessions: Sessions) {
    this.#pool = pool;
    this.#sessions = sessions;
  }

  /** Checks the database, and migrates it unless it is only read. */
  prepare({ options }: PostgresAddress, access: PostgresAccess): Promise<void> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query<SchemaRow>('SHOW server_encoding');
      const encoding = rows[0]?.['server_encoding'];
      if (encoding !== 'UTF8' && encoding !== 'SQL_ASCII') {
        throw new StoreOpenError(
          `the PostgreSQL database cannot hold every text\n  its encoding: ${String(encoding)}\ncreate one with ENCODING 'UTF8'`,
        );
      }
      if (this.#sessions !== 'own') await requireSearchPath(client, options);
      const run = async (text: string): Promise<readonly SchemaRow[]> =>
        (await client.query<SchemaRow>({ text, ...patience(LONG_STATEMENT_MS) })).rows;
      await (access === 'read' ? requireSchema : migrate)({ run }, postgresDialect);
      await requireTableRights(client, access, tablesOf(postgresDialect));
    }, true);
  }

  run(statement: Statement): Promise<readonly SqlRow[]> {
    return this.#attempt(async (client) => {
      if (statement.kind === 'report') return await runReport(client, statement);
      if (this.#sessions === 'own') return await runOne(client, statement, 'prepared');
      const [rows = []] = await runTransaction(client, [statement], this.#sessions);
      return rows;
    });
  }

  runTogether(statements: readonly Statement[]): Promise<readonly (readonly SqlRow[])[]> {
    return this.#attempt((client) => runTransaction(client, statements, this.#sessions));
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #attempt<Result>(use: (client: ClientBase) => Promise<Result>): Promise<Result> {
    try {
      return await this.#withClient(use);
    } catch (error) {
      if (isUniqueViolation(error)) throw new UniqueViolation();
      throw new GatewayError('store_unavailable', { cause: withoutSecrets(error) });
    }
  }

  /** @param until when a server that gives no connection in time is not asked again, by `performance.now()` */
  async #connect(until: number): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      if (isConnectTimeout(error) && performance.now() < until) return await this.#connect(until);
      throw this.#sessions === 'own' && isRefusedByPooler(error) ? new NoOwnSession() : error;
    }
  }

  /**
   * A connection on which something failed is not used again: its server may be read-only by now, or gone.
   *
   * @param first whether it is the first one: it is waited for longer, and not used again because it locked the schema
   */
  async #withClient<Result>(use: (client: ClientBase) => Promise<Result>, first = false): Promise<Result> {
    const client = await this.#connect(first ? performance.now() + OPENING_MS : 0);
    try {
      const result = await use(client);
      client.release(first);
      return result;
    } catch (error) {
      client.release(!isUniqueViolation(error));
      throw error;
    }
  }
}

async function runOne(
  client: ClientBase,
  { name, text, values, gives }: Statement,
  how: 'prepared' | 'unprepared',
): Promise<readonly SqlRow[]> {
  const prepared = how === 'unprepared' || name === undefined ? {} : { name: `turnpike_${name}` };
  const query = { text, values: values.map(asParameter), ...prepared };
  const { rows, rowCount } = await client.query<SchemaRow>(query);
  return gives === 'changes' ? emptyRows(rowCount ?? 0) : rows.map(byName);
}

/** Statements that take place all together, or none. */
async function runTransaction(
  client: ClientBase,
  statements: readonly Statement[],
  sessions: Sessions,
): Promise<readonly (readonly SqlRow[])[]> {
  const how = sessions === 'own' ? 'prepared' : 'unprepared';
  await client.query(sessions === 'own' ? 'BEGIN' : beginText(sessions));
  try {
    const rows: (readonly SqlRow[])[] = [];
    for (const statement of statements) rows.push(await runOne(client, statement, how));
    await client.query('COMMIT');
    return rows;
  } catch (error) {
    // Only after this error the connection is used again, see `withClient`.
    if (isUniqueViolation(error)) await client.query('ROLLBACK');
    throw error;
  }
}

/** A report reads one state of the database, and may take longer than a request. */
async function runReport(client: ClientBase, { text, values }: Statement): Promise<readonly SqlRow[]> {
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${LONG_STATEMENT_MS}`);
  const query = { text, values: values.map(asParameter), ...patience(LONG_STATEMENT_MS) };
  const { rows } = await client.query<SchemaRow>(query);
  await client.query('COMMIT');
  return rows.map(byName);
}

function byName(row: SchemaRow): SqlRow {
  return { get: (column) => row[column] };
}

/** The driver takes `Buffer` for bytes, and any other view for JSON. */
function asParameter(value: Statement['values'][number]): string | number | Buffer | null {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}

/** How long the driver waits for one query; it has the option, but its types lack it. */
function patience(statementMs: number): Partial<QueryConfig> & { readonly query_timeout: number } {
  return { query_timeout: statementMs + DRIVER_GRACE_MS };
}

/** What the pool and the driver say; neither gives a code. */
function isConnectTimeout(error: unknown): boolean {
  return (
    error instanceof Error &&
    /connection timeout|timeout exceeded when trying to connect|timeout expired/.test(error.message)
  );
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === UNIQUE_VIOLATION;
}

/** The error for logs. The driver's own errors may hold its configuration, and with it the password. */
function withoutSecrets(error: unknown): Error {
  if (error instanceof AggregateError)
    return new Error(error.errors.map((each) => withoutSecrets(each).message).join('; '));
  if (!(error instanceof Error)) return new Error('the driver failed');
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return new Error(`${error.message}${code}`);
}
