/** What the headers of a request declare its body to be, if not plain JSON in UTF-8. */
export type OtherForm = 'encoded' | 'other_type' | 'other_charset';

/** Media types of bodies that an API would not read as JSON, though they may be JSON as well. */
const NOT_JSON = /^\s*(?:application\/x-www-form-urlencoded|multipart\/|application\/graphql\s*(?:;|$)|[^;]*[/+]xml)/i;
/** The usual header, which needs no further check, and other spellings of it. */
const USUAL_JSON = 'application/json';
const PLAIN_JSON = /^application\/json(?:; ?charset=utf-8)?$/i;
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/gi;

const TYPE_LENGTH = 'content-type'.length;
const ENCODING_LENGTH = 'content-encoding'.length;

/**
 * Finds a header by which an API may read a JSON text as something else; `undefined` where there is none.
 *
 * @param rawHeaders flat list of names and values, as sent
 */
export function otherFormDeclared(rawHeaders: readonly string[]): OtherForm | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index] ?? '';
    if (given.length !== TYPE_LENGTH && given.length !== ENCODING_LENGTH) continue;
    const value = rawHeaders[index + 1] ?? '';
    if (given.length === TYPE_LENGTH && (value === USUAL_JSON || PLAIN_JSON.test(value))) continue;
    // CGI, WSGI and PHP read an underscore as a hyphen.
    const name = given.toLowerCase().replaceAll('_', '-');
    if (name === 'content-encoding' && value.trim().toLowerCase() !== 'identity') return 'encoded';
    if (name !== 'content-type') continue;
    if (NOT_JSON.test(value)) return 'other_type';
    for (const [, charset = ''] of value.matchAll(CHARSET)) if (!/^utf-?8$/i.test(charset)) return 'other_charset';
  }
  return undefined;
}
