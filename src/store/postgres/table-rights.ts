import type { ClientBase } from 'pg';
import { StoreOpenError } from '../store-open-error.ts';
import type { PostgresAccess } from './postgres-session.ts';

/** Most tables that a message names. */
const MOST_NAMED = 5;

/** Tables that reports read. */
const REPORTED = ['turnpike_payments', 'turnpike_passes', 'turnpike_pass_payments', 'turnpike_draws'];

/**
 * The tables of the ledger with the rights that a sale needs and the role lacks, and whether row-level security without a
 * policy for the role hides every row. The ledger is where the search path finds it.
 */
const RIGHTS = `SELECT tables.relname AS name, ARRAY_REMOVE(ARRAY[
      CASE WHEN NOT has_table_privilege(tables.oid, 'SELECT') THEN 'SELECT' END,
      CASE WHEN NOT has_table_privilege(tables.oid, 'INSERT') THEN 'INSERT' END,
      CASE WHEN NOT has_table_privilege(tables.oid, 'UPDATE') THEN 'UPDATE' END], NULL) AS lacking,
    row_security_active(tables.oid) AND NOT EXISTS (SELECT 1 FROM pg_policy, UNNEST(polroles) AS given
      WHERE polrelid = tables.oid AND (given = 0 OR pg_has_role(given, 'USAGE'))) AS hidden,
    quote_ident(nspname) AS schema, quote_ident(current_user) AS role
  FROM pg_class AS tables JOIN pg_namespace AS schemas ON schemas.oid = tables.relnamespace
  WHERE tables.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('turnpike_payments'))
    AND tables.relkind IN ('r', 'p') AND tables.relname = ANY($1)
  ORDER BY tables.relname`;

interface TableRights {
  readonly name: string;
  /** The rights that the role lacks. */
  readonly lacking: readonly string[];
  readonly hidden: boolean;
  readonly schema: string;
  readonly role: string;
}

/**
 * Makes sure that the role may use every table. Where another role made the tables of a new version, the gateway's role
 * has no rights to them until it is granted some: money would move, and what it bought could not be written down. A
 * reader to whom row-level security shows no row would report that nothing was sold. Other tables, such as copies that
 * somebody made, are nothing to the ledger, whatever their names.
 *
 * @param tables the names of those of the ledger
 * @throws StoreOpenError
 */
export async function requireTableRights(
  client: ClientBase,
  access: PostgresAccess,
  tables: readonly string[],
): Promise<void> {
  const { rows } = await client.query<TableRights>(RIGHTS, [tables]);
  // What a reader may not select at all is not given to it, such as the keys of tokens, and reports do not miss it.
  const isRead = ({ name, lacking }: TableRights): boolean => REPORTED.includes(name) && !lacking.includes('SELECT');
  const hidden = rows.find((row) => row.hidden && (access === 'write' || isRead(row)));
  if (hidden !== undefined) {
    throw new StoreOpenError(
      `row-level security hides every row of the ledger from the user\n  table: ${hidden.name}\nrun as its owner: ALTER TABLE ${hidden.schema}.${hidden.name} DISABLE ROW LEVEL SECURITY, or make a policy for ${hidden.role}`,
    );
  }
  const missing = access === 'read' ? [] : rows.filter(({ lacking }) => lacking.length > 0);
  const [first] = missing;
  if (first === undefined) return;
  const named = missing.slice(0, MOST_NAMED).map(({ name, lacking }) => `${lacking.join(', ')} on ${name}`);
  throw new StoreOpenError(
    `the user has no right to some tables of the ledger\n  missing: ${named.join('; ')}${missing.length > MOST_NAMED ? '; …' : ''}\nrun as their owner: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${first.schema} TO ${first.role}`,
  );
}
