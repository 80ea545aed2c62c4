import type { Parsed } from '../../domain/price.ts';
import type { StoreKind } from '../store-kind.ts';

const EXAMPLE = 'postgres://user:password@host/database';
const RIGHT = 'a URL such as postgres://user:password@host/database';
/**
 * The TLS parameters that the driver knows. The driver would ignore a misspelled one, and send the ledger unencrypted.
 */
const TLS_PARAMETERS = new Set(['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation']);
const TLS_MODES = new Set(['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']);

/** `store: postgres://…`: a ledger that replicas on several machines share. */
export const postgresKind: StoreKind = {
  name: 'postgres',
  example: EXAMPLE,
  pattern: 'postgres(?:ql)?://\\S+',
  lasting: true,
  isMeant: (given) => /^postgres(?:ql)?:/.test(given),
  parse: parseUrl,
  describe: () => 'the PostgreSQL database',
  open: async (url) => await (await import('./postgres-ledger.ts')).openPostgresLedger(url),
  reading: {
    whyMissing: () => undefined,
    open: async (url) => await (await import('./postgres-ledger.ts')).openPostgresReader(url),
  },
};

/**
 * Reads a connection URL as the driver will. Refuses a URL that an unencoded `/`, `?`, `#` or `%` in a password has
 * broken.
 */
function parseUrl(given: string): Parsed<string> {
  const wrong = (why: string, right = RIGHT): Parsed<string> => ({ ok: false, wrong: why, right });
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
  return wrongTls(url.searchParams) ?? { ok: true, value: given };
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
