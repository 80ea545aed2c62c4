import { nominatedBy } from './connection-options.ts';

/**
 * What a request's body can be by its headers, if not plain JSON in UTF-8. `undeclared`: it has no media type, and can be
 * a form.
 */
export type OtherForm = 'encoded' | 'other_type' | 'other_charset' | 'undeclared';

/**
 * Media types of bodies that an API would not read as JSON, though they may be JSON as well. Protobuf is among them: its
 * fields have no order, and a message no mark of its end, so that a text of JSON can be one.
 */
const NOT_JSON =
  /^(?:\s*(?:application\/x-www-form-urlencoded|multipart\/|application\/graphql\s*(?:;|$))|[^;]*(?:[/+]xml|[/+.-](?:grpc|proto(?:buf)?(?![a-z]))))/i;
/** The usual header, which needs no further check, and other spellings of it. */
const USUAL_JSON = 'application/json';
const PLAIN_JSON = /^application\/json(?:; ?charset=utf-8)?$/i;
/** A media type, whatever its parameters are. Rack takes any other value for none. */
const MEDIA_TYPE = /^\s*[^\s;,/]+\/[^\s;,/]/;
/** Every mention of a charset, also in parts and encoded (RFC 2231), as Django reads it; and mentions of UTF-8 alone. */
const CHARSET = /charset/gi;
const UTF_8 = /;\s*charset\s*=\s*(?:utf-?8|"utf-?8")\s*(?=;|$)/gi;

const TYPE_LENGTH = 'content-type'.length;
const ENCODING_LENGTH = 'content-encoding'.length;

/**
 * Finds why an API may read a JSON text as something else; `undefined` where there is no reason.
 *
 * @param rawHeaders flat list of names and values, as sent
 */
export function otherFormDeclared(bytes: Buffer, rawHeaders: readonly string[]): OtherForm | undefined {
  const nominated = nominatedBy(rawHeaders);
  let isDeclared = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index] ?? '';
    if (given.length !== TYPE_LENGTH && given.length !== ENCODING_LENGTH) continue;
    const value = rawHeaders[index + 1] ?? '';
    const lower = given.toLowerCase();
    // CGI, WSGI and PHP read an underscore as a hyphen, some servers a dot, too.
    const name = lower.replaceAll(/[^a-z]/g, '-');
    if (name === 'content-type' && nominated?.has(lower) !== true && MEDIA_TYPE.test(value)) isDeclared = true;
    if (given.length === TYPE_LENGTH && (value === USUAL_JSON || PLAIN_JSON.test(value))) continue;
    if (name === 'content-encoding' && value.trim().toLowerCase() !== 'identity') return 'encoded';
    const other = name === 'content-type' ? otherType(value) : undefined;
    if (other !== undefined) return other;
  }
  // Rack reads a body without a media type, or with one that is not forwarded, as a form. A JSON text can hold a pair.
  return !isDeclared && bytes.includes('=') ? 'undeclared' : undefined;
}

function otherType(type: string): OtherForm | undefined {
  if (NOT_JSON.test(type)) return 'other_type';
  return mentions(type, CHARSET) > mentions(type, UTF_8) ? 'other_charset' : undefined;
}

function mentions(type: string, pattern: RegExp): number {
  return type.match(pattern)?.length ?? 0;
}
