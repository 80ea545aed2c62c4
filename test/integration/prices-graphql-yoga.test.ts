import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startYoga, type YogaServer } from '../support/graphql/yoga.ts';
import { settings } from '../support/settings.ts';

/** Prices by GraphQL field in front of `graphql-yoga`, which takes requests in many forms. */

let devnet: Devnet;
let yoga: YogaServer;
let buyer: Payer;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, yoga] = await Promise.all([startDevnet(), startYoga()]);
  buyer = await freshPayer(devnet);
  gateway = await startTestGateway(`${settings(devnet, yoga.url)}
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
  await Promise.all([devnet.close(), yoga.close()]);
});

const posted = (body: string, type = 'application/json'): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': type },
  body,
});
const asJson = (body: object): RequestInit => posted(JSON.stringify(body));
const byUrl = (query: string): string => `/graphql?query=${encodeURIComponent(query)}`;

function multipart(query: string): RequestInit {
  const form = new FormData();
  form.set('operations', JSON.stringify({ query }));
  form.set('map', '{}');
  return { method: 'POST', body: form };
}

/** Each way in which the server itself takes a query. */
const FORMS: readonly (readonly [string, (query: string) => readonly [string, RequestInit?]])[] = [
  ['as JSON', (query) => ['/graphql', asJson({ query })]],
  ['by URL', (query) => [byUrl(query)]],
  ['as application/graphql', (query) => ['/graphql', posted(query, 'application/graphql')]],
  ['as GraphQL-JSON', (query) => ['/graphql', posted(JSON.stringify({ query }), 'application/graphql+json')]],
  [
    'as a form',
    (query) => [
      '/graphql',
      posted(new URLSearchParams({ query }).toString(), 'application/x-www-form-urlencoded; charset=utf-8'),
    ],
  ],
  ['as a multipart form', (query) => ['/graphql', multipart(query)]],
  ['in a list', (query) => ['/graphql', asJson([{ query }])]],
];

async function statusAndText(asking: Promise<Response>): Promise<readonly [number, string]> {
  const response = await asking;
  return [response.status, await response.text()];
}

describe('graphql-yoga behind the gateway', () => {
  it.each([
    ['{ mine: report }', { mine: 'the report' }, 50_000n],
    ['{ news }', { news: 'the news' }, 1_000n],
    ['query { ...F } fragment F on Query { report news }', { report: 'the report', news: 'the news' }, 50_000n],
    ['mutation { order }', { order: 'ordered' }, 20_000n],
  ])('sells %s at the price of its dearest field', async (query, data, price) => {
    const before = await devnet.usdcBalanceOf(buyer.address);
    const unpaid = await fetch(`${gateway.url}/graphql`, asJson({ query }));
    expect(challengeOf(unpaid).accepts[0]?.amount).toBe(String(price));
    const paid = await stockFetch(buyer.key)(`${gateway.url}/graphql`, asJson({ query }));
    expect([paid.status, await paid.json()]).toEqual([200, { data }]);
    expect(settlementOf(paid).success).toBe(true);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before - price);
  });

  it('sells queries by URL and in lists, and answers free ones without payment', async () => {
    const pay = stockFetch(buyer.key);
    expect(await (await pay(gateway.url + byUrl('{ news }'))).json()).toEqual({ data: { news: 'the news' } });
    const list = await pay(`${gateway.url}/graphql`, asJson([{ query: '{ news }' }, { query: '{ free }' }]));
    expect(await list.json()).toEqual([{ data: { news: 'the news' } }, { data: { free: 'for all' } }]);
    const free = await fetch(`${gateway.url}/graphql`, asJson({ query: '{ free }' }));
    expect([free.status, await free.json()]).toEqual([200, { data: { free: 'for all' } }]);
  });

  it.each(FORMS)('does not give away the report that is asked for %s', async (_form, ask) => {
    const [path, init] = ask('{ report }');
    // The server itself answers most forms: only the price prevents it.
    const [status, text] = await statusAndText(fetch(gateway.url + path, init));
    expect([400, 402, 415]).toContain(status);
    expect(text).not.toContain('the report');
  });

  it.each(FORMS)('does not give away the report behind a free query by URL, asked for %s', async (_form, ask) => {
    const [, init] = ask('{ report }');
    const [status, text] = await statusAndText(fetch(gateway.url + byUrl('{ free }'), init));
    expect(text).not.toContain('the report');
    expect(init === undefined ? 200 : 400).toBe(status);
  });

  it('answers, when asked directly, the forms that the gateway refuses', async () => {
    const answers = await Promise.all(
      FORMS.map(async ([, ask]) => {
        const [path, init] = ask('{ report }');
        return (await statusAndText(fetch(yoga.url + path, init)))[1];
      }),
    );
    expect(answers.filter((answer) => answer.includes('the report')).length).toBeGreaterThanOrEqual(5);
  });
});
