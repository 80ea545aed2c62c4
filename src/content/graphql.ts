import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql';
import { GatewayError } from '../domain/gateway-error.ts';
import type { JsonObject } from '../domain/x402.ts';
import { GRAPHQL_POINTERS, type GraphqlOperation, STORED, STORED_EXTENSION } from './graphql-request.ts';
import { type JsonFacts, type JsonValue, readJson } from './json-reader.ts';
import { NO_POINTERS, type PointerTree, pointerTree } from './pointer-tree.ts';
import { queryValue } from './query-value.ts';

/** Most tokens of a document: what is parsed for a price costs time. */
const MOST_TOKENS = 10_000;

/**
 * Finds the operation that a GraphQL request in a body would run.
 *
 * @throws GatewayError `body_ambiguous`
 */
export function operationOfBody(call: JsonFacts): GraphqlOperation {
  const wrong = (what: string): GatewayError => ambiguous('body_ambiguous', what);
  const query = textAt(call, '/query', wrong);
  if (query === undefined && isThere(call.get('/extensions/persistedQuery'))) throw withoutText('body_ambiguous');
  if (query === undefined) throw wrong('it has no text in query; a persisted query has to bring it');
  for (const name of STORED) if (isThere(call.get(`/${name}`))) throw wrong(`it names a stored document in ${name}`);
  refuseOtherDocument(query, call, wrong);
  return operationOf(query, textAt(call, '/operationName', wrong), wrong);
}

/** A server may run what it has stored under the hash or the name of a persisted query, and not the text. */
function refuseOtherDocument(query: string, call: JsonFacts, wrong: (what: string) => GatewayError): void {
  if (isThere(call.get(STORED_EXTENSION))) throw wrong('its extensions name a stored document');
  if (!isThere(call.get('/extensions/persistedQuery'))) return;
  const hash = textAt(call, '/extensions/persistedQuery/sha256Hash', wrong);
  if (hash?.toLowerCase() !== createHash('sha256').update(query).digest('hex'))
    throw wrong('its persistedQuery is not the hash of its query');
}

/** A GraphQL request in the query of a URL. */
export interface OperationInUrl {
  readonly operation: GraphqlOperation;
  /** Its variables, under the pointers that a body would have. */
  readonly call: JsonFacts;
}

/**
 * Finds the operation that a GraphQL request in the query of a URL would run.
 *
 * @param search with its `?`, or empty
 * @param pointers the pointers of conditions, as for a body
 * @throws GatewayError `request_ambiguous`
 */
export function operationOfSearch(search: string, pointers: PointerTree): OperationInUrl | undefined {
  const wrong = (what: string): GatewayError => ambiguous('request_ambiguous', what);
  const values = ['query', 'operationName', 'variables', 'extensions', ...STORED].map((name) => {
    const fact = queryValue(search, name);
    return fact.kind === 'text' ? fact.text : undefined;
  });
  const [query, operationName, variables, extensions, ...stored] = values;
  const given = factsOf('extensions', extensions, EXTENSIONS, wrong);
  if (query === undefined && isThere(given.get('/extensions/persistedQuery'))) throw withoutText('request_ambiguous');
  if (stored.some((value) => value !== undefined)) throw wrong('the URL names a stored document');
  if ([query, operationName, variables, extensions].every((value) => value === undefined)) return undefined;
  if (query === undefined) throw wrong('it has no text in query');
  refuseOtherDocument(query, given, wrong);
  return {
    operation: operationOf(query, operationName === '' ? undefined : operationName, wrong),
    call: factsOf('variables', variables, pointers, wrong),
  };
}

/**
 * Reads the operations of a body beside the query of its URL, which holds nothing of a GraphQL request but the name of the
 * operation that would run: clients write it there for logs.
 *
 * @throws GatewayError `request_ambiguous`, and `body_ambiguous` where a call is read
 */
export function operationsBeside(search: string): (call: JsonFacts) => GraphqlOperation {
  const others = ['query', 'variables', 'extensions', ...STORED];
  if (others.some((name) => queryValue(search, name).kind !== 'absent')) throw twoRequests();
  const named = queryValue(search, 'operationName');
  return (call) => {
    const operation = operationOfBody(call);
    if (named.kind === 'text' && operation.name !== named.text) throw twoRequests();
    return operation;
  };
}

function twoRequests(): GatewayError {
  return new GatewayError('request_ambiguous', { detail: 'Send the GraphQL query in the URL or in the body.' });
}

const NO_FACTS: JsonFacts = new Map();
const EXTENSIONS = pointerTree(GRAPHQL_POINTERS);

/**
 * What a part of a request in a URL says, under the pointers that a body would have.
 *
 * @throws GatewayError `request_ambiguous` for what is no JSON in one reading
 */
function factsOf(
  name: 'variables' | 'extensions',
  text: string | undefined,
  pointers: PointerTree,
  wrong: (what: string) => GatewayError,
): JsonFacts {
  if (text === undefined || text === '') return NO_FACTS;
  try {
    // By itself first: beside other members it has to be one value.
    readJson(Buffer.from(text), NO_POINTERS, false);
    return readJson(Buffer.from(`{"${name}":${text}}`), pointers, false).facts;
  } catch (fault) {
    if (fault instanceof GatewayError) throw wrong(`its ${name} are no plain JSON (${fault.detail})`);
    throw fault;
  }
}

function operationOf(query: string, name: string | undefined, wrong: (what: string) => GatewayError): GraphqlOperation {
  const document = parsed(query, wrong);
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const meant = name === undefined ? operations : operations.filter((each) => each.name?.value === name);
  const [operation, ...others] = meant;
  if (operation === undefined) throw wrong('it has no operation of the name that it asks for');
  if (others.length > 0) throw wrong('it has several operations that could be meant');
  return { kind: operation.operation, name: operation.name?.value, fields: fieldsOf(operation, document, wrong) };
}

/**
 * Ends of lines that only some servers know: a lone carriage return, and in a comment a separator of Unicode. What one
 * takes for a comment would be a field to another (graphql-java ends a comment at U+2028).
 */
const ODD_LINE_END = /\r(?!\n)|#[^#\n\v\f\x85\u2028\u2029]*[\v\f\x85\u2028\u2029]/;

function parsed(query: string, wrong: (what: string) => GatewayError): DocumentNode {
  if (ODD_LINE_END.test(query)) throw wrong('its lines end in a way that some servers do not know');
  try {
    return parse(query, { noLocation: true, maxTokens: MOST_TOKENS });
  } catch (fault) {
    // Deep nesting overflows the parser's stack before the limit of tokens is reached.
    if (fault instanceof GraphQLError || fault instanceof RangeError)
      throw wrong(`its document does not parse (${fault.message})`);
    throw fault;
  }
}

/** All root fields, also those with `@skip` or `@include`, which depend on variables. */
function fieldsOf(
  operation: OperationDefinitionNode,
  document: DocumentNode,
  wrong: (what: string) => GatewayError,
): readonly string[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions) {
    if (each.kind !== Kind.FRAGMENT_DEFINITION) continue;
    if (fragments.has(each.name.value)) throw wrong(`it has the fragment ${each.name.value} twice`);
    fragments.set(each.name.value, each);
  }
  const names = new Set<string>();
  const seen = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) names.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
      else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment === undefined) throw wrong(`it has no fragment ${selection.name.value}`);
        collect(fragment.selectionSet);
      }
    }
  };
  collect(operation.selectionSet);
  // Fragments that hold nothing but themselves.
  if (names.size === 0) throw wrong('it asks for no field');
  if (names.size > 1) names.delete('__typename');
  return [...names];
}

function isThere(value: JsonValue | undefined): boolean {
  return value !== undefined && !(value.kind === 'word' && value.text === 'null');
}

function textAt(call: JsonFacts, pointer: string, wrong: (what: string) => GatewayError): string | undefined {
  const value = call.get(pointer);
  if (value === undefined || !isThere(value)) return undefined;
  if (value.kind !== 'text') throw wrong(`${pointer} is no text`);
  // Some servers take an empty name for none.
  return pointer === '/operationName' && value.text === '' ? undefined : value.text;
}

/** Clients of automatic persisted queries send a hash first. After these words they send the text. */
const SEND_TEXT: JsonObject = {
  errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
};

function withoutText(code: AmbiguousCode): GatewayError {
  return ambiguous(code, 'a persisted query has to bring its text in query', SEND_TEXT);
}

type AmbiguousCode = 'body_ambiguous' | 'request_ambiguous';

function ambiguous(code: AmbiguousCode, what: string, members: JsonObject = {}): GatewayError {
  return new GatewayError(code, { detail: `The GraphQL request is not read: ${what}.`, members });
}
