import { randomUUID } from 'node:crypto';
import { type ClientBase, DatabaseError } from 'pg';

/** How long the server may take, in milliseconds. */
export interface PostgresTimeouts {
  /** To give a connection, or to become free when all are in use. */
  readonly connectMs: number;
  /** For one statement of a request. */
  readonly statementMs: number;
}

/** Access of connections: with `read` the server refuses every write on them. */
export type PostgresAccess = 'read' | 'write';

/**
 * Whether a connection has a session of the server for itself. A pooler such as PgBouncer in transaction mode gives each
 * transaction to whichever session is free, which may be in use by another program before and after.
 */
export type Sessions = 'own' | { readonly statementMs: number; readonly access: PostgresAccess };

/** Settings that a session of our own begins with, and a check that it has them. */
export interface OwnSession {
  /** Command-line options of the server, to be sent with the connection. */
  readonly options: readonly string[];
  /** @throws NoOwnSession */
  readonly check: (client: ClientBase) => Promise<void>;
}

/** Sessions are shared, so that none can be set up. */
export class NoOwnSession extends Error {
  override readonly name = 'NoOwnSession';

  constructor() {
    super(
      'a connection pooler shares the sessions of the server; restart the gateway, which then sets nothing up on them',
    );
  }
}

/**
 * The errors by which a pooler refuses settings that it cannot pass on: `protocol_violation` of PgBouncer ("unsupported
 * startup parameter"), `feature_not_supported` of RDS Proxy ("doesn't support command-line options").
 */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['08P01', '0A000']);

/**
 * The settings of a session of our own. One of them is unique to us: it is missing on a session of a pooler that
 * ignores settings.
 */
export function ownSession({ statementMs }: PostgresTimeouts, access: PostgresAccess): OwnSession {
  const mark = randomUUID();
  return {
    options: [
      '-c synchronous_commit=on',
      '-c default_transaction_isolation=read\\ committed',
      `-c default_transaction_read_only=${access === 'read' ? 'on' : 'off'}`,
      `-c statement_timeout=${statementMs}`,
      `-c turnpike.session=${mark}`,
    ],
    async check(client) {
      const { rows } = await client.query<{ found: unknown }>(
        "SELECT current_setting('turnpike.session', true) AS found",
      );
      if (rows[0]?.found !== mark) throw new NoOwnSession();
    },
  };
}

/** Whether a connection failed because a pooler does not pass settings on. */
export function isRefusedByPooler(error: unknown): boolean {
  return error instanceof NoOwnSession || (error instanceof DatabaseError && REFUSALS.has(error.code));
}

/** Begins a transaction on a shared session: nothing of it outlives the transaction. */
export function beginText({ statementMs, access }: Exclude<Sessions, 'own'>): string {
  const mode = access === 'read' ? 'READ ONLY' : 'READ WRITE';
  return `BEGIN ISOLATION LEVEL READ COMMITTED, ${mode};
    SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = ${statementMs}`;
}
