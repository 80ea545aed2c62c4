import { type OtherForm, otherFormDeclared } from '../domain/declared-form.ts';
import type { BodySubject } from '../domain/when.ts';
import { ABSENT, type Fact } from './fact.ts';
import { bodyAmbiguous } from './json-fault.ts';
import { type JsonDocument, type JsonFacts, readJson } from './json-reader.ts';
import { JSONRPC_METHOD } from './jsonrpc-calls.ts';
import type { PointerTree } from './pointer-tree.ts';

/** What a client can do about a body whose headers declare another form than a JSON text. */
const MENDED: Readonly<Record<OtherForm, string>> = {
  encoded: 'Send the body without Content-Encoding: it decides what the request costs.',
  other_type: 'Send the body as JSON, with a Content-Type that says so.',
  other_charset: 'Send the body in UTF-8.',
  undeclared: 'Send the body with a Content-Type that says that it is JSON: some servers read it as a form.',
};

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
  const other = otherFormDeclared(bytes, rawHeaders);
  if (other !== undefined) throw bodyAmbiguous(MENDED[other]);
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
