import { foldKey } from '../domain/fold-key.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { ABSENT, type Fact } from './fact.ts';

/** Most pairs of a query that decides. PHP, qs and `node:querystring` drop all pairs after so many. */
const MOST_PAIRS = 1000;

/**
 * The value of a key of the query, percent-decoded, `+` being a space.
 *
 * @param query with its `?`, or empty
 * @throws GatewayError `request_ambiguous` for a key that is there more than once, in the spelling of some reader: in
 *   another case, with brackets around or after it, or with a dot or bracket for its underscore; for `;` between pairs;
 *   for more than 1000 pairs; for escapes that do not decode
 */
export function queryValue(query: string, name: string): Fact {
  if (query.length < 2) return ABSENT;
  if (query.includes(';')) throw ambiguous('some readers take ; for a separator');
  const pairs = query.slice(1).split('&');
  if (pairs.length > MOST_PAIRS) throw ambiguous(`some readers drop all after ${MOST_PAIRS} pairs`);
  const isRead = readerOf(name);
  let found: string | undefined;
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const key = decoded(equals === -1 ? pair : pair.slice(0, equals));
    if (!isRead(key)) continue;
    if (key !== name) throw ambiguous(`the key ${JSON.stringify(key)} is read as ${name} by some`);
    if (found !== undefined) throw ambiguous(`the key ${name} is there more than once`);
    found = decoded(equals === -1 ? '' : pair.slice(equals + 1));
  }
  return found === undefined ? ABSENT : { kind: 'text', text: found };
}

/**
 * The first of some keys that a query has, in the spelling of any reader. Escapes that do not decode are left as they are.
 */
export function keyIn(query: string, names: readonly string[]): string | undefined {
  if (names.length === 0 || query.length < 2) return undefined;
  const keys = new Set(
    query
      .slice(1)
      .split(/[&;]/)
      .map((pair) => pair.split('=', 1)[0] ?? ''),
  );
  const read = new Set([...keys].flatMap((key) => readings(percentDecoded(key) ?? key)));
  return names.find((name) => readings(name).some((reading) => read.has(reading)));
}

/**
 * The names under which readers find a key: `a.b` and `a b` as `a_b` (PHP), `a[b]` as `a`, `[a]`, `a]` and `[a` as `a`
 * (qs, Rack), and `a[b` as `a_b` (PHP); all without their case (ASP.NET).
 */
function readings(key: string): readonly string[] {
  const plain = foldKey(key.trimStart().replaceAll(/[. ]/g, '_'));
  if (!BRACKET.test(plain)) return [plain];
  const inner = plain.replace(/^[[\]]+/, '');
  const [front = ''] = inner.split(BRACKET, 1);
  return [front, inner.replaceAll(/[[\]\0]+/g, '_')];
}

/**
 * A test whether some server finds the value of a name under a key. `page[number]` stands beside `page[size]`, not in its
 * place.
 */
function readerOf(name: string): (key: string) => boolean {
  if (BRACKET.test(name)) {
    const wanted = nestings(name);
    return (key) => nestings(key).some((nesting) => wanted.some((parts) => overlap(parts, nesting)));
  }
  const wanted = readings(name);
  return (key) => readings(key).some((reading) => wanted.includes(reading));
}

/**
 * The names in a key with brackets, outermost first: as qs, Rack and PHP nest them, with underscores for dots and blanks
 * in the first one (PHP), and as ASP.NET nests those with dots. Text behind a bracket counts for nothing in PHP and qs:
 * `a[b]c` is `a[b]`.
 */
function nestings(key: string): readonly (readonly string[])[] {
  const plain = foldKey(key.trimStart().replace(/^[[\]]+/, '')).replaceAll(TEXT_BEHIND, '');
  const [front = '', ...inner] = plain.replaceAll(']', '').split(/[[\0]/);
  const within = inner.flatMap((part) => part.split('.'));
  return [
    [front.replaceAll(/[. ]/g, '_'), ...within],
    [...front.split('.'), ...within],
  ];
}

/** Whether the value of one key is the other's, or within or around it. An empty name stands for any. */
function overlap(one: readonly string[], other: readonly string[]): boolean {
  return one.every((part, at) => part === '' || part === (other[at] || part));
}

const BRACKET = /[[\]\0]/;
/** Text between a closing bracket and the next opening one, or the end. Behind a dot it is another name (ASP.NET). */
const TEXT_BEHIND = /\][^[.][^[]*/g;

function decoded(text: string): string {
  const plain = percentDecoded(text);
  if (plain === undefined) throw ambiguous('an escape does not decode');
  if (plain.includes('\0')) throw ambiguous('it holds NUL');
  return plain;
}

/** `undefined` where an escape does not decode. */
function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function ambiguous(what: string): GatewayError {
  return new GatewayError('request_ambiguous', { detail: `The query can be read in two ways: ${what}.` });
}
