import { isUtf8 } from 'node:buffer';
import { otherFormDeclared } from '../domain/declared-form.ts';
import { foldKey } from '../domain/fold-key.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Json } from '../domain/x402.ts';
import type { Facts } from './read/facts.ts';
import { JsonScanner, type Scanned } from './read/json-scanner.ts';
import { compileWanted, memberOf, type Wanted } from './read/wanted.ts';

const READ = compileWanted([
  '/model',
  '/stream',
  '/stream_options',
  '/stream_options/include_usage',
  '/background',
  // Members that limit the answer: if one is there twice, the API could read the other one.
  '/n',
  '/best_of',
  '/prompt',
  '/max_tokens',
  '/max_completion_tokens',
  '/max_output_tokens',
  '/options',
  '/options/num_predict',
  '/generationConfig',
  '/generationConfig/candidateCount',
  '/generationConfig/maxOutputTokens',
  '/generation_config',
  '/generation_config/max_output_tokens',
]);

/** Members that a lax reader takes for `true` when they are `1` or `"true"`. */
const FLAGS = ['/stream', '/background'];

/** A request of a metered call, before it is sent. */
export interface MeteredRequest {
  /** Flat list of names and values, as sent. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/**
 * Reads the members that decide the charge, of a request in which they say nothing that has to be known. A body that is
 * no JSON, such as an upload, has none: `undefined`.
 *
 * @throws GatewayError `request_unmetered` for one of them that is there twice
 */
export function readLoosely({ body }: MeteredRequest): Facts | undefined {
  const scanned = scan(body);
  return scanned.kind === 'read' ? scanned.facts : undefined;
}

/**
 * Reads the same where the gateway has to know what the API will read. Everything is refused that an API could read in
 * another way: what Python, Go or C take for JSON and RFC 8259 does not, other encodings than UTF-8, a key in another
 * case, and `1` or `"true"` for `true`.
 *
 * @throws GatewayError `request_unmetered`
 */
export function readStrictly({ rawHeaders, body }: MeteredRequest): Facts {
  if (otherFormDeclared(body, rawHeaders) !== undefined) throw notPlainJson();
  const scanned = scan(body);
  const value = scanned.kind === 'read' ? parsed(body) : undefined;
  if (scanned.kind === 'unreadable' || !isJsonObject(value)) throw notPlainJson();
  refuseTwins(value, READ);
  for (const pointer of FLAGS) {
    const fact = scanned.facts.get(pointer);
    if (fact !== undefined && fact.kind !== 'boolean') throw unmetered(`${pointer} is neither true nor false.`);
  }
  return scanned.facts;
}

/** What a request is refused with whose usage would be told in no answer, or could not be asked for. */
export function unmetered(detail: string): GatewayError {
  return new GatewayError('request_unmetered', { detail });
}

function notPlainJson(): GatewayError {
  return unmetered('Send one JSON object (RFC 8259), in UTF-8 without a mark, with a Content-Type that says so.');
}

function scan(body: Buffer): Scanned {
  const scanner = new JsonScanner(READ);
  scanner.push(body);
  const scanned = scanner.finish();
  if (scanned.kind === 'unreadable' && scanned.why === 'duplicate_key')
    throw unmetered('A member that decides the charge is there twice.');
  return scanned;
}

/** The scanner passes over texts that it does not want: V8 reads every byte of them. */
function parsed(body: Buffer): Json | undefined {
  if (!isUtf8(body)) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A reader that ignores case, or ends a key at NUL, would find a member under such a key. */
function refuseTwins(value: Json, place: Wanted): void {
  if (!isJsonObject(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    const child = memberOf(place, name);
    if (child !== undefined) refuseTwins(inner, child);
    else if (place.folded.has(foldKey(name.split('\0', 1)[0] ?? '')))
      throw unmetered(`The key ${JSON.stringify(name.slice(0, 64))} is not spelled as in the API's description.`);
  }
}
