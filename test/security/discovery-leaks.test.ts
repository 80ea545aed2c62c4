import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RawResponse } from '../support/raw-http.ts';
import { lastRequest, laySiege, type Siege, statusOf } from './siege.ts';

/** Public documents reveal no internal details, hold nothing that a stranger sent, and are the same for all clients. */

const PATHS = ['/openapi.json', '/llms.txt', '/.well-known/x402'];
const INNER = /inner|10\.9\.8\.7|backend|hidden|delete/i;
/** What a stranger claims about the host. */
const CLAIMS = [
  ['Host: evil.example'],
  ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'X-Forwarded-Prefix: /evil'],
  ['Forwarded: host=evil.example;proto=https'],
  ['X-Original-Host: evil.example', 'X-Original-URL: /evil', 'X-Rewrite-URL: /evil', 'X-Host: evil.example'],
  ['Origin: https://evil.example', 'Referer: https://evil.example/'],
  ['Accept-Language: evil', 'Cookie: evil=1', 'Authorization: Bearer evil', 'Accept: text/html'],
];

const operation = { summary: 'What is sold', responses: { 200: { description: 'ok' } } };
const schema = {
  type: 'object',
  $id: 'http://inner.example/schema.json',
  $comment: 'inner note',
  properties: { id: { type: 'string' } },
  examples: [{ id: 'kept' }],
  discriminator: { propertyName: 'id', mapping: { a: 'http://inner.example/a.json', b: '#/components/schemas/Sold' } },
};
const DESCRIPTION = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'Sold', version: '1', contact: { email: 'team@inner.example' }, 'x-owner': 'inner team' },
  servers: [{ url: 'http://inner.example:8080' }],
  jsonSchemaDialect: 'http://inner.example/dialect',
  paths: {
    '/sold': {
      servers: [{ url: 'http://10.9.8.7' }],
      get: {
        ...operation,
        externalDocs: { url: 'http://inner.example/wiki' },
        parameters: [{ name: 'X-Backend-Key', in: 'header', schema: { type: 'string' } }],
        responses: {
          200: {
            description: 'ok',
            links: { next: { operationId: 'innerUnsold', server: { url: 'http://inner.example' } } },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Sold' } } },
          },
          400: { $ref: '#/paths/~1inner-unsold/get/responses/200' },
        },
      },
      delete: operation,
    },
    '/inner-unsold': { get: operation },
    '/inner-quiet': { get: operation },
  },
  components: { schemas: { Sold: schema, Inner: { type: 'object' } } },
});

const folder = mkdtempSync(join(tmpdir(), 'turnpike-leaks-'));
const description = join(folder, 'openapi.json');
writeFileSync(description, DESCRIPTION);
afterAll(() => rmSync(folder, { recursive: true }));

let siege: Siege;
afterEach(() => siege.close());

const ROUTES = `routes:
  - { path: /sold, methods: [GET], price: $0.01, upstream: { url: "http://10.9.8.7:81", headers: { X-Backend-Key: hidden } } }
  - { path: /inner-quiet, price: $0.01, discovery: off }
  - { path: /hosted, host: api.example.com, price: $0.01, methods: [GET], rewrite: { from: /hosted, to: /inner-hosted } }
`;

async function read(path: string, headers: readonly string[] = []): Promise<RawResponse> {
  const own = headers.filter((header) => !header.startsWith('Host: '));
  const [host = 'Host: gw.test'] = headers.filter((header) => header.startsWith('Host: '));
  const answer = await siege.ask(lastRequest(`GET ${path}`, own).replace('Host: gw.test', host));
  expect(statusOf(answer)).toBe(200);
  return answer;
}

describe.each([
  ['an API description', `discovery: { openapi: ${description} }\n`],
  ['the price table alone', ''],
])('A document that is made from %s', (_, discovery) => {
  it.each(['', 'publicUrl: https://api.example.com\n'])('reveals no internal details (%s)', async (origin) => {
    siege = await laySiege(origin + discovery + ROUTES);
    const upstreams = [siege.gateway.plan.routes.map(({ upstream }) => JSON.stringify(upstream))].flat();
    expect(upstreams.join()).toContain('10.9.8.7');
    for (const path of PATHS) {
      const body = (await read(path)).body.toString();
      expect(body).toContain('/sold');
      expect(body).not.toMatch(INNER);
      expect(body).not.toContain(`127.0.0.1`);
    }
  });

  it.each([
    '',
    'trustedProxies: [127.0.0.0/8]\n',
    'cors: api\n',
  ])('is the same whatever host a stranger claims (%s)', async (more) => {
    siege = await laySiege(more + discovery + ROUTES);
    for (const path of PATHS) {
      const plain = await read(path);
      for (const claims of CLAIMS) {
        const answer = await read(path, claims);
        expect(answer.body.toString()).toBe(plain.body.toString());
        expect(JSON.stringify([answer.all('location'), answer.all('link'), answer.all('set-cookie')])).toBe(
          '[[],[],[]]',
        );
      }
      expect(plain.body.toString()).not.toContain('evil');
    }
  });
});

describe('A shared cache', () => {
  it('gives pages what it kept for another client, with the headers that let them read it', async () => {
    siege = await laySiege(ROUTES);
    const answers = [await read('/openapi.json'), await read('/openapi.json', ['Origin: https://a.example'])];
    for (const answer of answers) {
      expect(answer.all('access-control-allow-origin')).toEqual(['*']);
      expect(answer.all('vary')).toEqual([]);
    }
  });

  it('keeps one copy of the document per origin where the API decides who may read it', async () => {
    siege = await laySiege(`cors: api\n${ROUTES}`);
    const answers = [await read('/openapi.json'), await read('/openapi.json', ['Origin: https://a.example'])];
    expect(answers.map((answer) => answer.all('vary'))).toEqual([['Origin'], ['Origin']]);
    expect(answers.map((answer) => answer.all('access-control-allow-origin'))).toEqual([[], ['https://a.example']]);
  });
});

it('The example of a schema and the names of its members are published as they are', async () => {
  siege = await laySiege(`discovery: { openapi: ${description} }\n${ROUTES}`);
  const { components } = JSON.parse((await read('/openapi.json')).body.toString());
  expect(components.schemas).toEqual({
    Sold: {
      type: 'object',
      properties: { id: { type: 'string' } },
      examples: [{ id: 'kept' }],
      discriminator: { propertyName: 'id', mapping: { b: '#/components/schemas/Sold' } },
    },
  });
});
