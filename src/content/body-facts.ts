import type { BodySubject } from '../domain/when.ts';
import { ABSENT, type Fact } from './fact.ts';
import { bodyAmbiguous } from './json-fault.ts';
import { type JsonDocument, type JsonFacts, readJson } from './json-reader.ts';
import type { PointerTree } from './pointer-tree.ts';

/** The member of a JSON-RPC call with its method. */
export const JSONRPC_METHOD = '/method';

/** Media types of bodies that an API would not read as JSON, though they may be JSON as well. */
const NOT_JSON = /^\s*(?:application\/x-www-form-urlencoded|multipart\/|application\/graphql\s*(?:;|$)|[^;]*[/+]xml)/i;
/** The usual header, which needs no further check, and other spellings of it. */
const USUAL_JSON = 'application/json';
const PLAIN_JSON = /^application\/json(?:; ?charset=utf-8)?$/i;
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/gi;

const TYPE_LENGTH = 'content-type'.length;
const ENCODING_LENGTH = 'content-encoding'.length;

/**
 * Refuses a body whose headers declare another form than a JSON text, or that can be a form because they declare none.
 *
 * @throws GatewayError `body_ambiguous`
 */
function refuseOtherForm(bytes: Buffer, rawHeaders: readonly string[]): void {
  let isDeclared = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index] ?? '';
    if (given.length !== TYPE_LENGTH && given.length !== ENCODING_LENGTH) continue;
    const value = rawHeaders[index + 1] ?? '';
    const name = given.toLowerCase().replaceAll('_', '-');
    if (name === 'content-type') isDeclared = true;
    if (given.length === TYPE_LENGTH && (value === USUAL_JSON || PLAIN_JSON.test(value))) continue;
    if (name === 'content-encoding' && value.trim().toLowerCase() !== 'identity')
      throw bodyAmbiguous('Send the body without Content-Encoding: it decides what the request costs.');
    if (name === 'content-type') refuseOtherType(value);
  }
  // Rack reads a body without a type as a form, in which JSON texts can hold a pair.
  if (!isDeclared && bytes.includes('='))
    throw bodyAmbiguous('Send the body with a Content-Type that says that it is JSON: some servers read it as a form.');
}

/** @throws GatewayError `body_ambiguous` */
function refuseOtherType(type: string): void {
  if (NOT_JSON.test(type)) throw bodyAmbiguous('Send the body as JSON, with a Content-Type that says so.');
  for (const [, charset = ''] of type.matchAll(CHARSET))
    if (!/^utf-?8$/i.test(charset)) throw bodyAmbiguous('Send the body in UTF-8.');
}

/** A body that was read: one call, or several. */
export interface AskedBody {
  /** Each has a price of its own. */
  readonly calls: readonly JsonFacts[];
  /** Whether it is a list of calls. */
  readonly isBatch: boolean;
}

/**
 * Reads what a body asks for.
 *
 * @param byCall whether a list is a batch, whose calls are priced one by one
 * @throws GatewayError `body_ambiguous`
 */
export function readBody(
  bytes: Buffer,
  rawHeaders: readonly string[],
  pointers: PointerTree,
  byCall: boolean,
): AskedBody {
  refuseOtherForm(bytes, rawHeaders);
  const document: JsonDocument = readJson(bytes, pointers, byCall);
  if (document.items === undefined) return { calls: [document.facts], isBatch: false };
  if (document.items.length === 0) throw bodyAmbiguous('The batch is empty.');
  return { calls: document.items, isBatch: true };
}

/**
 * The value of a subject in a call. JSON's `null` counts as absent: many readers cannot distinguish it from a missing
 * key.
 */
export function bodyFact(subject: Exclude<BodySubject, { kind: 'graphql' }>, call: JsonFacts): Fact {
  const value = call.get(subject.kind === 'jsonrpc' ? JSONRPC_METHOD : subject.pointer);
  switch (value?.kind) {
    case undefined:
      return ABSENT;
    case 'object':
    case 'array':
      return { kind: 'structure' };
    case 'word':
      return value.text === 'null' ? ABSENT : { kind: 'word', text: value.text };
    case 'text':
    case 'number':
      return value;
  }
}
