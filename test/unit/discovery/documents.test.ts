import { readdirSync, readFileSync } from 'node:fs';
import { validate as validateReadme } from '@readme/openapi-parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { validate as validateMpp } from 'mppx/discovery';
import { describe, expect, it } from 'vitest';
import { draftRoutes } from '../../../src/cli/init/drafts.ts';
import { configText } from '../../../src/cli/init/file-text.ts';
import { readPricing } from '../../../src/cli/init/pricing.ts';
import { describeRoutes } from '../../../src/config/describe.ts';
import { differenceOf } from '../../../src/config/difference.ts';
import { DEFAULT_DISCOVERY } from '../../../src/config/discovery-keys.ts';
import { DISCOVERY_PATHS, type DiscoveryPath, discoveryPage } from '../../../src/discovery/discovery-page.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { readOperations } from '../../../src/openapi/operations.ts';
import { planOf } from '../../support/gateway.ts';
import { openValueGateway } from '../../support/value-gateway.ts';

const HEAD = `upstream: { url: "http://10.1.2.3:8080", headers: { X-Backend-Key: hidden-value } }
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example.com
store: sqlite:./turnpike.db
publicUrl: https://api.example.com
`;
const EXAMPLES = new URL('../../../node_modules/@readme/oas-examples/', import.meta.url);

async function read(path: DiscoveryPath, plan: Plan): Promise<string> {
  if (plan.discovery === undefined) throw new Error('discovery is off');
  return (await discoveryPage(path, plan, plan.discovery)).body;
}

/** A plan whose routes come from a description, which it publishes, too. */
async function planFrom(description: string): Promise<Plan> {
  const parsed = parseApiDocument(description);
  if (!parsed.ok) throw new Error(parsed.wrong);
  const { routes } = draftRoutes(readOperations(parsed.value), readPricing({ price: '$0.001' }));
  const gateway = { upstream: 'http://10.1.2.3:8080', network: 'base', origin: undefined, notes: [] };
  const payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
  const text = configText({ ...gateway, payTo, facilitator: 'https://facilitator.example.com' }, routes);
  const plan = await planOf(`${text}publicUrl: https://api.example.com\n`);
  return { ...plan, discovery: { ...DEFAULT_DISCOVERY, document: parsed.value } };
}

async function faultsOf(document: string): Promise<readonly unknown[]> {
  const readme = await validateReadme(JSON.parse(document));
  const seriousme = await new Validator().validate(JSON.parse(document));
  return [
    ...(readme.valid ? [] : readme.errors),
    ...(seriousme.valid ? [] : [seriousme.errors]),
    ...validateMpp(JSON.parse(document)).filter(({ severity }) => severity === 'error'),
  ];
}

describe('/openapi.json', () => {
  const names = ['2.0', '3.0', '3.1'].flatMap((version) =>
    readdirSync(new URL(`${version}/json/`, EXAMPLES))
      .filter((name) => name.endsWith('.json') && name !== 'webhooks.json')
      .map((name) => `${version}/json/${name}`),
  );

  it.each(names)('passes three validators when it is made from %s', async (name) => {
    const description = readFileSync(new URL(name, EXAMPLES), 'utf8');
    // A description that is wrong before stays so: the gateway does not repair it.
    const before = await validateReadme(JSON.parse(description));
    const document = await read('/openapi.json', await planFrom(description));
    if (before.valid) expect(await faultsOf(document)).toEqual([]);
    expect(document).not.toContain('10.1.2.3');
  });

  it('is valid where the description is of OpenAPI 3.2, with methods that 3.1 does not know', async () => {
    const operation = { responses: { 200: { description: 'fine' } } };
    const paths = { '/a': { get: operation, query: operation, additionalOperations: { PURGE: operation } } };
    const parsed = parseApiDocument(JSON.stringify({ openapi: '3.2.0', info: { title: 'new', version: '1' }, paths }));
    if (!parsed.ok) throw new Error(parsed.wrong);
    const plan = await planOf(`${HEAD}routes:\n  - { path: /*, price: $0.001 }\n`);
    const document = await read('/openapi.json', {
      ...plan,
      discovery: { ...DEFAULT_DISCOVERY, document: parsed.value },
    });
    expect(Object.keys(JSON.parse(document).paths['/a'])).toEqual(['get']);
    expect(await faultsOf(document)).toEqual([]);
  });

  it('states every price in both forms, and the 402', async () => {
    const plan = await planOf(`${HEAD}routes:\n  - { path: /v1/weather/:city, methods: [GET], price: $0.001 }\n`);
    const document = JSON.parse(await read('/openapi.json', plan));
    const operation = document.paths['/v1/weather/{city}'].get;
    expect(operation['x-payment-info']).toEqual({
      offers: [
        {
          intent: 'charge',
          method: 'x402',
          amount: '1000',
          currency: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
          scheme: 'exact',
          network: 'eip155:8453',
        },
      ],
      price: { mode: 'fixed', amount: '0.001', currency: 'USD' },
      protocols: [{ x402: {} }],
    });
    expect(Object.keys(operation.responses)).toEqual(['200', '402']);
    expect(document.servers).toEqual([{ url: 'https://api.example.com' }]);
    expect(await faultsOf(JSON.stringify(document))).toEqual([]);
  });

  it('states the price in MPP too when the route speaks it, and only in MPP when it speaks nothing else', async () => {
    const plan = await planOf(
      `${HEAD}protocols: [x402, mpp]\nroutes:\n  - { path: /both, methods: [GET], price: $0.001 }\n  - { path: /mpp, methods: [GET], price: $0.001, protocols: [mpp] }\n`,
    );
    const document = JSON.parse(await read('/openapi.json', plan));
    const inMpp = {
      intent: 'charge',
      method: 'evm',
      amount: '1000',
      currency: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
      network: 'eip155:8453',
    };
    const both = document.paths['/both'].get['x-payment-info'];
    expect([both.offers[0].method, both.offers[1], both.protocols]).toEqual([
      'x402',
      inMpp,
      [{ x402: {} }, { mpp: {} }],
    ]);
    expect(document.paths['/mpp'].get['x-payment-info']).toMatchObject({ offers: [inMpp], protocols: [{ mpp: {} }] });
    expect(await faultsOf(JSON.stringify(document))).toEqual([]);
  });

  it('is valid for a table of every form of path, and names what is free without a price', async () => {
    const plan = await planOf(
      `${HEAD}routes:\n  - { path: /healthz, price: free }\n  - { path: /a/:b/*, price: 0.25 USDC }\n  - { path: /r/:rest/*, methods: [POST], price: $1 }\n`,
    );
    const document = await read('/openapi.json', plan);
    expect(await faultsOf(document)).toEqual([]);
    const { paths } = JSON.parse(document);
    expect(Object.keys(paths)).toEqual(['/healthz', '/a/{b}/{rest}', '/r/{rest}/{rest_of_path}']);
    expect(paths['/healthz'].get['x-payment-info']).toBeUndefined();
  });

  it('leaves out operations that are not sold, and the schemas that only they use', async () => {
    const description = JSON.stringify({
      openapi: '3.0.3',
      info: { title: 'Internal API', version: '9', contact: { email: 'team@corp.internal' } },
      servers: [{ url: 'http://api.corp.internal:8080/v1' }],
      'x-google-backend': { address: 'http://api.corp.internal' },
      paths: {
        '/sold': {
          parameters: [{ name: 'trace', in: 'header', schema: { type: 'string' }, 'x-internal': 'corp.internal' }],
          get: {
            operationId: 'sold',
            servers: [{ url: 'http://other.corp.internal/v1' }],
            security: [{ internal: [] }],
            'x-amazon-apigateway-integration': { uri: 'http://lambda.corp.internal' },
            callbacks: {
              done: { 'http://callback.corp.internal': { post: { responses: { 200: { description: '' } } } } },
            },
            responses: {
              200: {
                description: 'ok',
                content: { 'application/json': { schema: { $ref: '#/components/schemas/Used' } } },
              },
            },
          },
        },
        '/admin': {
          get: {
            responses: {
              200: {
                description: 'ok',
                content: { 'application/json': { schema: { $ref: '#/components/schemas/Secret' } } },
              },
            },
          },
        },
      },
      components: {
        securitySchemes: { internal: { type: 'http', scheme: 'basic' } },
        schemas: {
          Used: {
            type: 'object',
            properties: { 'x-kept': { type: 'string' }, again: { $ref: '#/components/schemas/Used' } },
            example: { 'x-data': 1 },
          },
          Secret: { type: 'object', description: 'corp.internal' },
        },
      },
    });
    const plan = await planOf(`${HEAD}routes:\n  - { path: /v1/sold, price: $0.001 }\n`);
    const parsed = parseApiDocument(description);
    const document = parsed.ok ? parsed.value : undefined;
    const published = await read('/openapi.json', {
      ...plan,
      discovery: { ...DEFAULT_DISCOVERY, tags: ['corp'], document },
    });
    expect(published).not.toContain('corp.internal');
    expect(published).not.toContain('hidden-value');
    const api = JSON.parse(published);
    expect(Object.keys(api.paths)).toEqual(['/v1/sold']);
    expect(Object.keys(api.components.schemas)).toEqual(['Used']);
    expect(api.components.schemas.Used.properties['x-kept']).toEqual({ type: 'string' });
    expect(await faultsOf(published)).toEqual([]);
  });
});

describe('every discovery document', () => {
  const operation = (summary: string) => ({ summary, responses: { 200: { description: 'ok' } } });
  const description = JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'Sold', version: '1', 'x-owner': 'inner-team', termsOfService: 'http://inner.example/terms' },
    servers: [{ url: 'http://inner.example/api' }],
    security: [{ innerLogin: [] }],
    tags: [{ name: 'inner-tag' }],
    webhooks: { innerHook: { post: operation('inner-hook') } },
    paths: {
      '/sold': {
        summary: 'inner-path',
        get: {
          ...operation('What is sold'),
          'x-inner': 'inner-extension',
          parameters: [
            { name: 'x-backend-KEY', in: 'header', required: true, schema: { type: 'string' } },
            { $ref: '#/components/parameters/Key' },
            { name: 'units', in: 'query', schema: { type: 'string', 'x-inner': 'inner-schema' } },
          ],
        },
        delete: operation('inner-unsold-method'),
      },
      '/inner-unsold': { get: operation('inner-unsold-path') },
      '/sold/inner-below': { get: operation('inner-below') },
    },
    components: {
      parameters: {
        Key: { name: 'X-Backend-Key', in: 'header', schema: { type: 'string' }, description: 'inner-key' },
      },
      securitySchemes: { innerLogin: { type: 'http', scheme: 'basic' } },
    },
  });

  it.each(
    DISCOVERY_PATHS,
  )('hides internals at %s: the upstream, its headers, hosts, operations that are not sold', async (path) => {
    const routes = '  - { path: /api/sold, methods: [GET], price: $0.001, rewrite: { from: /api, to: /inner-api } }\n';
    const plan = await planOf(`${HEAD}routes:\n${routes}`);
    const parsed = parseApiDocument(description);
    if (!parsed.ok) throw new Error(parsed.wrong);
    const published = await read(path, { ...plan, discovery: { ...DEFAULT_DISCOVERY, document: parsed.value } });
    expect(published).toContain('/api/sold');
    expect(published).not.toMatch(/inner|backend|hidden-value|10\.1\.2\.3|DELETE|"delete"/i);
    if (path === '/openapi.json') expect(await faultsOf(published)).toEqual([]);
  });
});

describe('a route with discovery: off', () => {
  const table = `${HEAD}routes:
  - { path: /v1/found, methods: [GET], price: $0.001 }
  - { path: /v1/quiet/:id, methods: [GET], price: $0.002, discovery: off }
`;

  it('is in no document, whether an API description has its operation or not', async () => {
    const plan = await planOf(table);
    const operation = { responses: { 200: { description: 'ok' } } };
    const paths = { '/v1/found': { get: operation }, '/v1/quiet/{id}': { get: operation } };
    const parsed = parseApiDocument(JSON.stringify({ openapi: '3.1.0', info: { title: 'A', version: '1' }, paths }));
    const described = { ...DEFAULT_DISCOVERY, document: parsed.ok ? parsed.value : undefined };
    for (const path of DISCOVERY_PATHS) {
      for (const published of [await read(path, plan), await read(path, { ...plan, discovery: described })]) {
        expect(published).toContain('/v1/found');
        expect(published).not.toContain('quiet');
      }
    }
  });

  it('is sold by a 402 without information for catalogues', async () => {
    const gateway = await openValueGateway(table.slice(table.indexOf('routes:')));
    const extensionsOf = async (path: string): Promise<readonly string[]> => {
      const header = (await gateway.ask(path))?.field('payment-required') ?? '';
      return Object.keys(decodePaymentRequiredHeader(header).extensions ?? {});
    };
    expect([await extensionsOf('/v1/found'), await extensionsOf('/v1/quiet/7')]).toEqual([['bazaar'], []]);
  });

  it('says so when it is described, and a reload says what changed', async () => {
    const [before, after] = [await planOf(table.replace(', discovery: off', '')), await planOf(table)];
    expect(describeRoutes(after).map(({ discovery }) => discovery)).toEqual([undefined, 'off']);
    expect(differenceOf(before, after)).toMatchObject([{ key: 'discovery', from: 'as the file says', to: 'off' }]);
  });
});

describe('/llms.txt', () => {
  it('names every priced operation with its price, and tells how to pay', async () => {
    const plan = await planOf(
      `${HEAD}discovery: { title: Weather, description: Forecasts for cities }\nroutes:\n  - { path: /v1/weather/:city, methods: [GET], price: $0.001, description: Current weather }\n`,
    );
    const text = await read('/llms.txt', plan);
    expect(text).toMatch(/^# Weather\n\n> Forecasts for cities\n/);
    expect(text).toContain(
      '- [GET /v1/weather/{city}](https://api.example.com/v1/weather/{city}): $0.001 a call. Current weather\n',
    );
    expect(text).toContain('https://api.example.com/openapi.json');
  });
});

describe('/.well-known/x402', () => {
  it('lists the URLs that cost something', async () => {
    const plan = await planOf(`${HEAD}routes:\n  - { path: /a, price: $1 }\n  - { path: /b, price: free }\n`);
    expect(JSON.parse(await read('/.well-known/x402', plan))).toEqual({
      version: 1,
      resources: ['https://api.example.com/a'],
    });
  });
});
