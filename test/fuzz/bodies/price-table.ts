import { buildSchema, graphqlSync } from 'graphql';

/*
 * What the bodies ask for, and what that costs: once as configuration of the gateway, once in plain code, so that the two
 * can be compared.
 */

/** A route whose price is decided by the body, with what is free and what is dear. */
export type BodyKind = 'json' | 'rpc' | 'graphql';

export const KINDS: readonly [BodyKind, ...BodyKind[]] = ['json', 'rpc', 'graphql'];

/** The routes, as YAML. */
export const ROUTES = `
  - path: /json
    prices:
      - { when: { json: { /model: cheap, /in/n: { max: 5 } } }, price: free }
      - { when: { json: { /model: cheap } }, price: $0.001, name: more }
      - { when: { json: { /model: "dear*" } }, price: $0.01 }
  - path: /rpc
    prices:
      - { when: { jsonrpc: "cheap_*" }, price: free }
      - { when: { jsonrpc: "dear_*" }, price: $0.01 }
  - path: /graphql
    prices:
      - { when: { graphql: { field: cheap } }, price: free }
      - { when: { graphql: { field: dear } }, price: $0.01 }
`;

/** The price of a request without an entry in the price table. It must not reach the API. */
export const UNPRICED = Number.POSITIVE_INFINITY;
const CHEAP = 1_000;
const DEAR = 10_000;

/** What an API does for a value that it read, in atomic units. */
export function priceOf(kind: BodyKind, value: unknown): number {
  switch (kind) {
    case 'json':
      return priceOfModel(value);
    case 'rpc':
      return sum(value, priceOfCall);
    case 'graphql':
      return sum(value, priceOfQuery);
  }
}

function sum(value: unknown, each: (item: unknown) => number): number {
  return Array.isArray(value) ? value.reduce<number>((total, item) => total + each(item), 0) : each(value);
}

function priceOfModel(value: unknown): number {
  const model = member(value, 'model');
  if (model === 'cheap') {
    const n = member(member(value, 'in'), 'n');
    return typeof n === 'number' && n <= 5 ? 0 : CHEAP;
  }
  return typeof model === 'string' && model.startsWith('dear') ? DEAR : UNPRICED;
}

function priceOfCall(value: unknown): number {
  const method = member(value, 'method');
  if (typeof method !== 'string') return UNPRICED;
  if (method.startsWith('cheap_')) return 0;
  return method.startsWith('dear_') ? DEAR : UNPRICED;
}

const SCHEMA = buildSchema('type Query { cheap: Int, dear: Int }');

/** What the reference implementation would run: each root field costs when its resolver is called. */
function priceOfQuery(value: unknown): number {
  const source = member(value, 'query');
  if (typeof source !== 'string') return 0;
  const name = member(value, 'operationName');
  const variables = member(value, 'variables');
  let price = 0;
  graphqlSync({
    schema: SCHEMA,
    source,
    rootValue: {
      cheap: () => 1,
      dear: () => {
        price = DEAR;
        return 1;
      },
    },
    operationName: typeof name === 'string' && name !== '' ? name : null,
    variableValues: variables instanceof Object && !Array.isArray(variables) ? { ...variables } : {},
  });
  return price;
}

function member(value: unknown, key: string): unknown {
  return value instanceof Object && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
