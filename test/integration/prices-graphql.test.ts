import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { buildSchema, graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** GraphQL priced by root field, in front of the reference implementation, which knows nothing of payments. */

let devnet: Devnet;
let api: TestUpstream;
let buyer: Payer;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, api] = await Promise.all([startDevnet(), startUpstream((req, res) => void serveGraphql(req, res))]);
  buyer = await freshPayer(devnet);
  gateway = await startTestGateway(`${settings(devnet, api.url)}
routes:
  - path: /graphql
    name: graphql
    prices:
      - { when: { graphql: { field: report } }, price: $0.05, name: report }
      - { when: { graphql: { field: free } }, price: free }
      - { when: { graphql: { kind: mutation } }, price: $0.02, name: mutation }
      - { when: { graphql: { field: [news, __typename] } }, price: $0.001, name: news }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), api.close()]);
});

const SCHEMA = buildSchema(
  'type Query { report: String! news: String! free: String! } type Mutation { order: String! }',
);
const ROOT = { report: 'the report', news: 'the news', free: 'for all', order: 'ordered' };

async function serveGraphql(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const search = new URL(req.url ?? '', 'http://localhost').searchParams;
  const asked: unknown = req.method === 'GET' ? Object.fromEntries(search) : await json(req);
  const answer = Array.isArray(asked) ? await Promise.all(asked.map(run)) : await run(asked);
  res.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer));
}

async function run(asked: unknown): Promise<unknown> {
  const { query, operationName } = asked as { query: string; operationName?: string };
  return await graphql({ schema: SCHEMA, rootValue: ROOT, source: query, operationName: operationName ?? null });
}

const post = (body: object): Promise<Response> => fetch(`${gateway.url}/graphql`, posted(body));
const posted = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

async function amountOf(asking: Promise<Response>): Promise<string | number> {
  const response = await asking;
  await response.arrayBuffer();
  return response.status === 402 ? (challengeOf(response).accepts[0]?.amount ?? 'none') : response.status;
}

describe('GraphQL requests', () => {
  it.each([
    ['{ report }', '50000'],
    ['{ news }', '1000'],
    ['{ free }', 200],
    ['{ news: report }', '50000'],
    ['{ news free report }', '50000'],
    ['{ news ...F } fragment F on Query { report }', '50000'],
    ['mutation { order }', '20000'],
    ['{ news unknown }', 400],
  ])('for %s cost what their dearest root field does', async (query, amount) => {
    expect(await amountOf(post({ query }))).toBe(amount);
    if (!query.startsWith('mutation'))
      expect(await amountOf(fetch(`${gateway.url}/graphql?query=${encodeURIComponent(query)}`))).toBe(amount);
  });

  it('in a list cost their sum', async () => {
    expect(await amountOf(post([{ query: '{ news }' }, { query: '{ report }' }, { query: '{ free }' }]))).toBe('51000');
  });

  it('with a query in the URL and another in the body are refused', async () => {
    const both = fetch(`${gateway.url}/graphql?query={report}`, posted({ query: '{ free }' }));
    expect(await amountOf(both)).toBe(400);
  });

  it('that bring only the hash of their text are refused so that their clients send the text', async () => {
    const persistedQuery = { version: 1, sha256Hash: 'ab'.repeat(32) };
    const extensions = encodeURIComponent(JSON.stringify({ persistedQuery }));
    for (const asking of [
      post({ operationName: 'R', variables: {}, extensions: { persistedQuery } }),
      fetch(`${gateway.url}/graphql?operationName=R&variables={}&extensions=${extensions}`),
    ]) {
      const response = await asking;
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }] },
      ]);
    }
  });

  it('that name no stored document get no such words', async () => {
    for (const body of [{ variables: {} }, { id: 'x' }, { query: '{' }])
      expect(await (await post(body)).json()).not.toHaveProperty('errors');
  });

  it('in a form are refused, although the server would read them', async () => {
    const body = new URLSearchParams({ query: '{ report }' });
    expect(await amountOf(fetch(`${gateway.url}/graphql`, { method: 'POST', body }))).toBe(400);
  });

  it('are paid for and answered by a real server, alone, by URL and in lists', async () => {
    const pay = stockFetch(buyer.key);
    const alone = await pay(
      `${gateway.url}/graphql`,
      posted({ query: 'query R { mine: report }', operationName: 'R' }),
    );
    expect(await alone.json()).toEqual({ data: { mine: 'the report' } });
    const byUrl = await pay(`${gateway.url}/graphql?query=${encodeURIComponent('{ news }')}`);
    expect(await byUrl.json()).toEqual({ data: { news: 'the news' } });
    const list = await pay(`${gateway.url}/graphql`, posted([{ query: '{ news }' }, { query: '{ free }' }]));
    expect(await list.json()).toEqual([{ data: { news: 'the news' } }, { data: { free: 'for all' } }]);
  });
});
