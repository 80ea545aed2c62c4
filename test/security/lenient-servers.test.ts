import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * Price tables that name what is dear and leave the rest cheap, in front of servers that read more into a request than
 * it says. What such a server would take for the dear one must not reach it for nothing.
 */

/** What is dear on each path; the rest is free. */
const DEAR = [
  ['/json', '{ json: { /model: dear } }'],
  ['/nested', '{ json: { /options/size: dear } }'],
  ['/flag', '{ json: { /dear: true } }'],
  ['/number', '{ json: { /dear: 1 } }'],
  ['/rpc', '{ jsonrpc: "dear_*" }'],
  ['/graphql', '{ graphql: { field: dear } }'],
  ['/query', '{ query: { tier: dear } }'],
  ['/query-flag', '{ query: { flag: true } }'],
  ['/page', '{ query: { "page[size]": { min: 100 } } }'],
  ['/named', '{ query: { "my_page[size]": { min: 100 } } }'],
  ['/header', '{ header: { X-Tier: dear } }'],
] as const;

let upstream: TestUpstream;
let gateway: TestGateway;
let served: string[];

beforeAll(async () => {
  const api = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    served.push(`${req.url} ${await buffer(req)}`);
    res.end('served');
  };
  upstream = await startUpstream((req, res) => void api(req, res).catch(() => {}), 0);
  const dearOrFree = DEAR.map(
    ([path, when]) => `  - { path: ${path}, prices: [{ when: ${when}, price: $0.01 }, { price: free }] }`,
  );
  gateway = await startTestGateway(`upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: memory
routes:
${dearOrFree.join('\n')}
  - { path: /by-method, methods: [POST], price: free }
  - { path: /by-method, methods: [DELETE], price: $0.01 }
`);
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

beforeEach(() => {
  served = [];
});

async function statusOf(path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const sent = { 'Content-Type': 'application/json', ...headers };
  const response = await fetch(gateway.url + path, { method: 'POST', headers: sent, body: Buffer.from(body) });
  await response.arrayBuffer();
  return response.status;
}

/** The request is refused, or asks for a payment, and the server hears nothing of it. */
async function expectNotServed(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  expect([400, 402]).toContain(await statusOf(path, body, headers));
  expect(served).toEqual([]);
}

const FORM = '{"model":"cheap","x":"&model=dear&"}';

describe('a body is not sold for less to a server', () => {
  it.each(['', ' ', ';charset=utf-8', 'json'])('that reads a form where the media type is %j', async (type) => {
    await expectNotServed('/json', FORM, { 'Content-Type': type });
  });

  it.each([
    "application/json; charset*=utf-8''utf-7",
    'application/json; charset*0=utf-7',
    'application/json; charset="utf\\-7"',
    'application/json, charset=utf-7',
    'application/json; charset=utf-8; charset=utf-7',
    'application/json; charset="utf-8"utf-7',
  ])('that decodes it by the charset of %s', async (type) => {
    await expectNotServed('/json', '{"model":"cheap+ACIALAAi-model+ACIAOgAi-dear"}', { 'Content-Type': type });
  });

  it.each([
    'application/proto',
    'application/protobuf',
    'application/x-protobuf; messageType="a.B"',
    'application/vnd.google.protobuf',
    'application/grpc-web+proto',
    'application/connect+proto',
  ])('that reads %s', async (type) => {
    await expectNotServed('/json', '\n {"a":"bytes of field 1 in protobuf"}', { 'Content-Type': type });
  });

  it('that copies members, with a prototype among them', async () => {
    await expectNotServed('/json', '{"__proto__":{"model":"dear"}}');
    await expectNotServed('/nested', '{"options":{"__proto__":{"size":"dear"}}}');
    await expectNotServed('/nested', '{"\\u005f_proto__":{"options":{"size":"dear"}}}');
  });

  it('that merges the query into it', async () => {
    await expectNotServed('/nested?options[size]=dear', '{"x":1}');
    await expectNotServed('/nested?options={"size":"dear"}', '{"x":1}');
    expect(await statusOf('/nested?size=dear&option=1', '{"x":1}')).toBe(200);
  });

  it.each(['1', '"true"', '"True"', '"on"', '"1"', '1.0', '"yes"'])('that takes %s for true', async (value) => {
    await expectNotServed('/flag', `{"dear":${value}}`);
  });

  it.each(['true', '"1"', '"true"', '1.0'])('that takes %s for 1', async (value) => {
    await expectNotServed('/number', `{"dear":${value}}`);
  });

  it.each(['false', '0', '2', 'null'])('but is served with %s in place of 1', async (value) => {
    expect(await statusOf('/number', `{"dear":${value}}`)).toBe(200);
  });

  it.each([
    'dear ',
    ' dear',
    'DEAR',
    'Dear\\n',
    'de\\u200dar',
    '\\ufeffdear',
  ])('that takes %j for its dear value', async (value) => {
    await expectNotServed('/json', `{"model":"${value}"}`);
  });
});

describe('a call of JSON-RPC is not sold for less to a server', () => {
  it.each([
    ['that goes through lists in lists', '[[{"jsonrpc":"2.0","method":"dear_x","id":1}]]'],
    ['that goes through lists in lists, behind a call', '[{"method":"a"},[{"method":"dear_x"}]]'],
    [
      'that takes an object without a version for a list',
      '{"method":"a","x":{"jsonrpc":"2.0","method":"dear_x","id":1}}',
    ],
    ['that does so in a list', '[{"method":"a","x":{"jsonrpc":"2.0","method":"dear_x","id":1}}]'],
    [
      'that takes an object with a key 0 for a list',
      '{"jsonrpc":"2.0","method":"a","0":{"jsonrpc":"2.0","method":"dear_x"}}',
    ],
    ['that trims names', '{"jsonrpc":"2.0","method":" dear_x"}'],
    ['that ignores case', '{"jsonrpc":"2.0","method":"Dear_x"}'],
    ['that ignores letters without width', '{"jsonrpc":"2.0","method":"dear\\u200b_x"}'],
  ])('%s', async (_how, body) => {
    await expectNotServed('/rpc', body);
  });

  it.each([
    '{"method":"getinfo","params":[],"id":1}',
    '{"method":"getinfo","params":{"method":"x"},"id":1}',
    '{"jsonrpc":"2.0","method":"a","params":{"jsonrpc":"2.0","method":"x"},"id":1}',
    '{"jsonrpc":"2.0","method":"a","params":[{"method":"b"},[1]],"id":null}',
    '[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b","params":[[]]}]',
  ])('but is served as it is: %s', async (body) => {
    expect(await statusOf('/rpc', body)).toBe(200);
    expect(served).toHaveLength(1);
  });
});

describe('a GraphQL request is not sold for less to a server', () => {
  it.each([
    ['whose comments end at a line separator', { query: '{ cheap #\u2028 dear\n }' }],
    ['whose comments end at a paragraph separator', { query: '{ cheap #\u2029 dear\n }' }],
    [
      'whose comments end at a line feed alone',
      { query: '{ ...F }\nfragment F on Q { #\r cheap }\rfragment G on Q { #\n dear }' },
    ],
    ['that runs what it has stored under queryId', { query: '{ cheap }', queryId: 'dear' }],
    ['that runs what it has stored under operationId', { query: '{ cheap }', operationId: 'a/dear' }],
    ['that runs what it has stored under an extension', { query: '{ cheap }', extensions: { operationId: 'dear' } }],
  ])('%s', async (_how, body) => {
    await expectNotServed('/graphql', JSON.stringify(body));
  });

  it('but is served with the name of its operation in the URL, as clients write it for logs', async () => {
    const body = JSON.stringify({ query: 'query Q { cheap }', operationName: 'Q' });
    expect(await statusOf('/graphql?operationName=Q', body)).toBe(200);
    expect(await statusOf('/graphql?operationName=Q', '{"query":"query Q { dear }"}')).toBe(402);
    served = [];
    await expectNotServed(
      '/graphql?operationName=R',
      '{"query":"query Q { cheap } query R { dear }","operationName":"Q"}',
    );
    await expectNotServed('/graphql?operationName=Q&variables={}', body);
  });

  it('but is served with separators in texts and comments of its own', async () => {
    expect(await statusOf('/graphql', JSON.stringify({ query: '# all\r\n{ cheap(text: "a\u2028b") }\r\n' }))).toBe(200);
  });
});

describe('a request head is not sold for less to a server', () => {
  it.each(['tier=DEAR', 'tier=dear+', 'tier=%0adear'])('that takes ?%s for its dear value', async (query) => {
    await expectNotServed(`/query?${query}`, '');
  });

  it.each(['1', 'on', 'True', 'yes+'])('that takes ?flag=%s for true', async (value) => {
    await expectNotServed(`/query-flag?flag=${value}`, '');
  });

  it.each(['0', 'no', '2', ''])('but is served with ?flag=%s', async (value) => {
    expect(await statusOf(`/query-flag?flag=${value}`, '')).toBe(200);
  });

  it.each(['DELETE', 'delete', 'PUT'])('that takes a POST with ?_method=%s for that', async (other) => {
    await expectNotServed(`/by-method?_method=${other}`, '');
    await expectNotServed(`/by-method?a=1&_METHOD=${other}`, 'a=1');
    expect(await statusOf(`/by-method?method=${other}`, '')).toBe(200);
    expect(await statusOf(`/query?_method=${other}`, '')).toBe(200);
  });

  it('that ignores the case of a header', async () => {
    await expectNotServed('/header', '', { 'X-Tier': 'Dear' });
  });

  it.each([
    'page=100',
    'page[size][]=100',
    'page[size]x=100',
    'page[size]]x=100',
    'page[size]x[y]=100',
    'page.size=100',
    'page[]=100',
    '[page][size]=100',
    'PAGE[size]=100',
  ])('that reads ?%s for page[size]', async (query) => {
    await expectNotServed(`/page?${query}`, '');
  });

  it.each([
    'my.page[size]=100',
    'my page[size]=100',
    'my_page[size]x=100',
  ])('that reads ?%s for my_page[size]', async (query) => {
    await expectNotServed(`/named?${query}`, '');
  });

  it.each([
    '1000e-3',
    '1e3',
    '1E1',
    '0x64',
    '%2B100',
    '1_000',
    '100abc',
  ])('that reads the number %s in its own way', async (size) => {
    await expectNotServed(`/page?page[size]=${size}`, '');
  });

  it.each([
    'page[number]=2&page[size]=10',
    'page[number]=2',
    'page[size]=10',
  ])('but is served with ?%s', async (query) => {
    expect(await statusOf(`/page?${query}`, '')).toBe(200);
  });
});
