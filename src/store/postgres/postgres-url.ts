import { StoreOpenError } from '../store-open-error.ts';

/** Most connections of one process, unless the URL says otherwise with `?pool=`. */
const DEFAULT_POOL = 10;

/** What a `postgres://` URL says. */
export interface PostgresAddress {
  /** For the driver, without our own parameters. Holds the password: never shown. */
  readonly connectionString: string;
  /** Command-line options for the server that the URL gives. */
  readonly options: readonly string[];
  readonly pool: number;
  /** Server and database for people, without name and password. */
  readonly shown: string;
}

/**
 * Reads the URL of a PostgreSQL database; `?pool=N` sets how many connections one process may open.
 *
 * @throws StoreOpenError without the URL, which may hold a password
 */
export function readPostgresUrl(url: string): PostgresAddress {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new StoreOpenError(
      'the address of the PostgreSQL ledger is not a URL\nwrite it as postgres://user:password@host:5432/database',
    );
  }
  const asked = parsed.searchParams.get('pool');
  if (asked !== null && !/^[1-9]\d{0,3}$/.test(asked)) {
    throw new StoreOpenError(
      'the address of the PostgreSQL ledger has a `pool` that is no number of connections\nwrite it as ?pool=10',
    );
  }
  const options = parsed.searchParams.getAll('options');
  for (const ours of ['pool', 'options']) parsed.searchParams.delete(ours);
  return {
    connectionString: parsed.href,
    options,
    pool: asked === null ? DEFAULT_POOL : Number(asked),
    shown: `${parsed.host}${parsed.pathname}`,
  };
}
