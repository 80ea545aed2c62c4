/** Members that name a document which the server has stored: of clients, PHP servers and GraphQL-Ruby. */
export const STORED = ['documentId', 'doc_id', 'id', 'queryId', 'operationId'] as const;

/** Where extensions name such a document, other than by the hash of its text. */
export const STORED_EXTENSION = '/extensions/operationId';

/** What has to be read of a GraphQL request. */
export const GRAPHQL_POINTERS = [
  '/query',
  '/operationName',
  '/extensions/persistedQuery',
  '/extensions/persistedQuery/sha256Hash',
  STORED_EXTENSION,
  ...STORED.map((name) => `/${name}` as const),
] as const;

/** The operation that a GraphQL server would run. */
export interface GraphqlOperation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  /** `undefined` where it has none. */
  readonly name: string | undefined;
  /** Names of its root fields after fragments and aliases, each once; `__typename` only where it is the only one. */
  readonly fields: readonly string[];
}
