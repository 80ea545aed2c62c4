import { foldKey } from '../domain/fold-key.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { ABSENT, type Fact } from './fact.ts';

/**
 * The value of a key of the query, percent-decoded, `+` being a space.
 *
 * @param query with its `?`, or empty
 * @throws GatewayError `request_ambiguous` for a key that is there more than once, in the spelling of some reader: in
 *   another case, with brackets after it, or with a dot for its underscore; for `;` between pairs; for escapes that do
 *   not decode
 */
export function queryValue(query: string, name: string): Fact {
  if (query.length < 2) return ABSENT;
  if (query.includes(';')) throw ambiguous('some readers take ; for a separator');
  let found: string | undefined;
  for (const pair of query.slice(1).split('&')) {
    const equals = pair.indexOf('=');
    const key = decoded(equals === -1 ? pair : pair.slice(0, equals));
    if (looseKey(key) !== looseKey(name)) continue;
    if (key !== name) throw ambiguous(`the key ${JSON.stringify(key)} is read as ${name} by some`);
    if (found !== undefined) throw ambiguous(`the key ${name} is there more than once`);
    found = decoded(equals === -1 ? '' : pair.slice(equals + 1));
  }
  return found === undefined ? ABSENT : { kind: 'text', text: found };
}

/** Equal for keys that PHP, ASP.NET and others take for the same one. */
function looseKey(key: string): string {
  const [front = ''] = key.trimStart().split(/[[\0]/, 1);
  return foldKey(front.replaceAll(/[. ]/g, '_'));
}

function decoded(text: string): string {
  try {
    const plain = decodeURIComponent(text.replaceAll('+', ' '));
    if (plain.includes('\0')) throw ambiguous('it holds NUL');
    return plain;
  } catch (fault) {
    if (fault instanceof GatewayError) throw fault;
    throw ambiguous('an escape does not decode');
  }
}

function ambiguous(what: string): GatewayError {
  return new GatewayError('request_ambiguous', { detail: `The query can be read in two ways: ${what}.` });
}
