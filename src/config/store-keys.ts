import type { StoreSpec } from '../domain/plan.ts';
import type { Parsed } from '../domain/price.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';

const STORE_RIGHT = 'sqlite:./turnpike.db, postgres://user:password@host/database or memory';
const SQLITE_RIGHT = 'a file such as sqlite:./turnpike.db';
const POSTGRES_RIGHT = 'a URL such as postgres://user:password@host/database';
/** What the driver knows of TLS. It would ignore a misspelled one, and then send the ledger in the clear. */
const TLS_PARAMETERS = new Set(['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation']);
const TLS_MODES = new Set(['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']);

/** Where payments are remembered. No message shows the text: a database URL holds a password. */
export const store: Decoder<StoreSpec> = text({
  expects: STORE_RIGHT,
  pattern: 'memory|sqlite:(?!:memory:$|file:|//|~)[^?]*[^/?]|postgres(?:ql)?://\\S+',
  secret: 'parser',
  parse: parseStore,
});

/** Reads a store; see {@link store}. What is wrong is said without the text. */
export function parseStore(given: string): Parsed<StoreSpec> {
  if (given === 'memory') return { ok: true, value: { kind: 'memory' } };
  if (given.startsWith('sqlite:')) return parseSqlite(given.slice('sqlite:'.length));
  if (/^postgres(?:ql)?:/.test(given)) return parsePostgres(given);
  return { ok: false, wrong: 'this is no store', right: STORE_RIGHT };
}

/** Reads a path, refusing what SQLite or the operator's habits would take for something else than the file's name. */
function parseSqlite(path: string): Parsed<StoreSpec> {
  const wrong = (why: string, right = SQLITE_RIGHT): Parsed<StoreSpec> => ({ ok: false, wrong: why, right });
  if (path === '') return wrong('the path of the database file is missing');
  if (path === ':memory:')
    return wrong('a database in memory forgets every payment at a restart', `memory to say so, or ${SQLITE_RIGHT}`);
  if (path.trim() !== path) return wrong('there is a blank before or after the path');
  if (path.startsWith('//') || path.startsWith('file:') || path.includes('?'))
    return wrong('the store is written as a URL, but takes a path');
  if (path.startsWith('~')) return wrong('the path begins with ~, which only a shell understands', 'an absolute path');
  if (/(?:^|\/)\.{0,2}$/.test(path)) return wrong('the path is that of a folder');
  return { ok: true, value: { kind: 'sqlite', path } };
}

/** Reads a connection URL the way the driver will, refusing what a password with `/`, `?`, `#` or `%` turns it into. */
function parsePostgres(given: string): Parsed<StoreSpec> {
  const wrong = (why: string, right = POSTGRES_RIGHT): Parsed<StoreSpec> => ({ ok: false, wrong: why, right });
  const encoded = 'a URL whose user and password have their special characters percent-encoded';
  if (!/^postgres(?:ql)?:\/\/[!-~]+$/.test(given) || !URL.canParse(given) || given.includes('\\'))
    return wrong('this is not a URL of a database', encoded);
  const url = new URL(given);
  if (given.includes('#')) return wrong('the URL holds a #', encoded);
  if (/%(?![0-9A-Fa-f]{2})/.test(given)) return wrong('the URL holds a % that encodes nothing', encoded);
  // A folder of a Unix socket is written as a parameter.
  if (url.hostname === '' && !url.searchParams.has('host')) return wrong('the URL names no host');
  if (url.hostname.includes(',')) return wrong('the URL names several hosts', 'one host');
  if (url.port === '0') return wrong('the URL has the port 0', 'the port of the database, 5432 by default');
  const [, database = '', ...more] = url.pathname.split('/');
  if (database === '') return wrong('the URL names no database');
  if (more.length > 0) return wrong('the path of the URL is not the name of a database', encoded);
  return wrongTls(url.searchParams) ?? { ok: true, value: { kind: 'postgres', url: given } };
}

function wrongTls(parameters: URLSearchParams): Parsed<never> | undefined {
  for (const [name, value] of parameters) {
    if (!name.toLowerCase().startsWith('ssl')) continue;
    if (!TLS_PARAMETERS.has(name))
      return { ok: false, wrong: 'a TLS parameter is not known', right: `one of ${[...TLS_PARAMETERS].join(', ')}` };
    if (name === 'sslmode' && !TLS_MODES.has(value))
      return { ok: false, wrong: 'the sslmode is not known', right: 'verify-full, or disable where no network is' };
  }
  return undefined;
}
