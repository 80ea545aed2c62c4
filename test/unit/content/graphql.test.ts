import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { operationOfBody, operationOfSearch } from '../../../src/content/graphql.ts';
import { GRAPHQL_POINTERS, type GraphqlOperation } from '../../../src/content/graphql-request.ts';
import { readJson } from '../../../src/content/json-reader.ts';
import { NO_POINTERS, pointerTree } from '../../../src/content/pointer-tree.ts';
import { codeOr } from '../../support/code-or.ts';

function ofBody(body: object): GraphqlOperation | string {
  return codeOr(() => {
    const { facts } = readJson(Buffer.from(JSON.stringify(body)), pointerTree(GRAPHQL_POINTERS), false);
    return operationOfBody(facts);
  });
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the root fields of a GraphQL operation', () => {
  it.each([
    ['{ a b }', ['a', 'b']],
    ['query Q { a }', ['a']],
    ['{ cheap: report }', ['report']],
    ['{ report: cheap }', ['cheap']],
    ['{ ...F } fragment F on Query { report ...G } fragment G on Query { more ...F }', ['report', 'more']],
    ['{ ... on Query { report } ... { a } }', ['report', 'a']],
    ['query($no: Boolean!) { a report @include(if: $no) b @skip(if: true) }', ['a', 'report', 'b']],
    ['{ a { report } }', ['a']],
    ['{ __typename a }', ['a']],
    ['{ __typename }', ['__typename']],
    ['{ __schema { types { name } } }', ['__schema']],
    ['# report\n{ a(text: "} report {") }', ['a']],
  ])('of %s are %j', (query, fields) => {
    expect(ofBody({ query })).toMatchObject({ fields });
  });

  it('are those of the operation that would run', () => {
    const query = 'query A { a } mutation B { report }';
    expect(ofBody({ query, operationName: 'A' })).toEqual({ kind: 'query', name: 'A', fields: ['a'] });
    expect(ofBody({ query, operationName: 'B' })).toEqual({ kind: 'mutation', name: 'B', fields: ['report'] });
  });

  it.each([
    ['several operations without a name', { query: 'query A { a } query B { report }' }],
    ['an empty name among several', { query: 'query A { a } query B { report }', operationName: '' }],
    ['a name that is not there', { query: 'query A { a }', operationName: 'B' }],
    ['a name twice', { query: 'query A { a } query A { report }', operationName: 'A' }],
    ['a fragment twice', { query: '{ ...F } fragment F on Query { a } fragment F on Query { report }' }],
    ['a fragment that is not there', { query: '{ ...F }' }],
    ['a fragment that is only itself', { query: '{ ...F } fragment F on Query { ...F }' }],
    ['no query', { variables: {} }],
    ['a query that is no text', { query: ['{ a }'] }],
    ['a document that does not parse', { query: '{ a' }],
    ['an empty document', { query: '' }],
    ['fragments only', { query: 'fragment F on Query { a }' }],
    [
      'a persisted query without its text',
      { extensions: { persistedQuery: { version: 1, sha256Hash: hashOf('{ a }') } } },
    ],
    [
      'another text than the persisted one',
      { query: '{ a }', extensions: { persistedQuery: { sha256Hash: hashOf('{ b }') } } },
    ],
    ['a stored document beside the query', { query: '{ a }', documentId: 'x' }],
    ['another stored document', { query: '{ a }', id: 1 }],
    ['a name that is no text', { query: '{ a }', operationName: 1 }],
    ['too many tokens', { query: `{ ${'a '.repeat(20_000)} }` }],
    ['nesting without end', { query: '{a'.repeat(9_000) }],
  ])('are not looked for with %s', (_what, body) => {
    expect(ofBody(body)).toBe('body_ambiguous');
  });

  it('are found where the persisted query brings its text', () => {
    const query = '{ a }';
    const extensions = { persistedQuery: { version: 1, sha256Hash: hashOf(query) } };
    expect(ofBody({ query, extensions, operationName: null })).toMatchObject({ fields: ['a'] });
  });
});

const ONLY_A = { kind: 'query', name: undefined, fields: ['a'] };

describe('a GraphQL query in a URL', () => {
  it.each([
    ['', undefined],
    ['?a=1', undefined],
    ['?query=%7Breport%7D', { kind: 'query', name: undefined, fields: ['report'] }],
    ['?query=query+A{a}+query+B{b}&operationName=B', { kind: 'query', name: 'B', fields: ['b'] }],
    ['?query={a}&query={report}', 'request_ambiguous'],
    ['?query={a}&QUERY={report}', 'request_ambiguous'],
    ['?query={a}&extensions={}', ONLY_A],
    ['?query={a}&extensions=', ONLY_A],
    ['?query={a}&extensions={"clientLibrary":{"name":"@apollo/client","version":"4.0.0"}}', ONLY_A],
    [`?query={a}&extensions={"persistedQuery":{"version":1,"sha256Hash":"${hashOf('{a}')}"}}`, ONLY_A],
    ['?query={a}&extensions={"persistedQuery":null}', ONLY_A],
    [`?query={a}&extensions={"persistedQuery":{"version":1,"sha256Hash":"${hashOf('{b}')}"}}`, 'request_ambiguous'],
    [`?query={a}&extensions={"persistedquery":{"sha256Hash":"${hashOf('{b}')}"}}`, 'request_ambiguous'],
    ['?query={a}&extensions={"persistedQuery":{"version":1}}', 'request_ambiguous'],
    ['?query={a}&extensions={"a":1,"a":2}', 'request_ambiguous'],
    ['?query={a}&extensions={},"query":"{b}"', 'request_ambiguous'],
    ['?query={a}&extensions[persistedQuery][sha256Hash]=b', 'request_ambiguous'],
    ['?query={a}&extensions={', 'request_ambiguous'],
    ['?extensions={"clientLibrary":{}}', 'request_ambiguous'],
    ['?query={a}&documentId=x', 'request_ambiguous'],
    ['?documentId=x', 'request_ambiguous'],
    ['?operationName=A', 'request_ambiguous'],
    ['?variables={}', 'request_ambiguous'],
    ['?query={a', 'request_ambiguous'],
    ['?query={a}&variables[size]=huge', 'request_ambiguous'],
    ['?query={a}&variables={"size":1,"size":2}', 'request_ambiguous'],
    ['?query={a}&variables={},"query":"{b}"', 'request_ambiguous'],
    ['?query={a}&variables={', 'request_ambiguous'],
  ])('%s is %j', (search, operation) => {
    expect(codeOr(() => operationOfSearch(search, NO_POINTERS)?.operation)).toEqual(operation);
  });

  it('brings its variables to the conditions of a body', () => {
    const asked = operationOfSearch('?query={a}&variables={"size":"huge"}', pointerTree(['/variables/size', '/query']));
    expect(asked?.call).toEqual(new Map([['/variables/size', { kind: 'text', text: 'huge' }]]));
    expect(operationOfSearch('?query={a}&variables=', pointerTree(['/variables/size']))?.call.size).toBe(0);
  });
});
