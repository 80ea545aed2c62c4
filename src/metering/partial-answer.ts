import type { RequestHead } from '../domain/request-head.ts';
import { unmetered } from './read-request.ts';

/** Keys that begin with `$` and change nothing that is read. */
const HARMLESS: ReadonlySet<string> = new Set(['$.xgafv', '$apiversion', '$key', '$prettyprint']);
/** Keys that choose members of the answer, or wrap it in a script. */
const CHOOSING: ReadonlySet<string> = new Set(['fields', 'callback']);
/** The forms of an answer, under `alt` or `$alt`, that are read. */
const READ_FORMS: ReadonlySet<string> = new Set(['', 'json', 'sse']);

/**
 * Refuses what has an API leave its usage out of an answer, or write it in a form that is not read: the system parameters
 * of Google's APIs, which Gemini and its endpoint for OpenAI's clients know, and OData's `$select`.
 *
 * @throws GatewayError `request_unmetered`
 * @see https://cloud.google.com/apis/docs/system-parameters
 */
export function refusePartialAnswer({ target, headers }: Pick<RequestHead, 'target' | 'headers'>): void {
  const query = target.indexOf('?');
  if (query !== -1) for (const pair of target.slice(query + 1).split(/[&;]/)) refusePair(pair);
  if (headers['x-goog-fieldmask'] !== undefined) throw unmetered('X-Goog-FieldMask chooses members of the answer.');
  for (const name of ['accept', 'content-type']) {
    if (/protobuf/i.test(String(headers[name] ?? ''))) throw unmetered('Answers are read in JSON only.');
  }
}

function refusePair(pair: string): void {
  const equals = pair.indexOf('=');
  const key = decoded(equals === -1 ? pair : pair.slice(0, equals));
  const value = equals === -1 ? '' : decoded(pair.slice(equals + 1));
  if (key === 'alt' || key === '$alt') {
    if (!READ_FORMS.has(value)) throw unmetered('Answers are read in JSON only.');
  } else if (CHOOSING.has(key) || (key.startsWith('$') && !HARMLESS.has(key))) {
    throw unmetered(`The key ${JSON.stringify(key.slice(0, 64))} of the query changes what the answer holds.`);
  }
}

/** In lower case; an escape that does not decode stays. Each byte is a character: only ASCII is looked for. */
function decoded(text: string): string {
  return text
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .toLowerCase();
}
