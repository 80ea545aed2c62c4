import { validate as validateReadme } from '@readme/openapi-parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import {
  extractDiscoveryInfoV1,
  validateAndExtract,
  validateDiscoveryExtension,
  validateDiscoveryExtensionSpec,
} from '@x402/extensions/bazaar';
import { validate as validateMpp } from 'mppx/discovery';
import { describe, expect, it } from 'vitest';
import { describeRoutes } from '../../../src/config/describe.ts';
import { differenceOf } from '../../../src/config/difference.ts';
import { DEFAULT_DISCOVERY } from '../../../src/config/discovery-keys.ts';
import { toolCatalogue } from '../../../src/discovery/api-tools.ts';
import { type DiscoveryPath, discoveryPage } from '../../../src/discovery/discovery-page.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { decodeHeaderJson } from '../../../src/protocol/header-json.ts';
import { PUBLISHED_HEAD } from '../../support/config/load.ts';
import { planOf } from '../../support/gateway.ts';
import { openValueGateway } from '../../support/value-gateway.ts';

const WEATHER = `  - path: /v1/weather/:city
    methods: [GET, POST]
    price: $0.001
    description: Weather of a city
    discovery:
      description: |
        Degrees now,
        and for some days.
      input:
        query: { units: metric, days: 3, tags: [a, b] }
        body: { at: { hour: 7 }, note: null, places: [1, 2] }
      output: { celsius: 7.5 }
`;

/** The extension of a 402, as a client reads it. */
async function bazaarOf(routes: string, path: string, method: string): Promise<JsonObject> {
  const gateway = await openValueGateway(`routes:\n${routes}`);
  const header = (await gateway.ask(path, { method }))?.field('payment-required') ?? '';
  return decodePaymentRequiredHeader(header).extensions?.['bazaar'] as JsonObject;
}

function faultsOf(extension: JsonObject): readonly unknown[] {
  const whole = extension as unknown as Parameters<typeof validateDiscoveryExtension>[0];
  const checks = [validateDiscoveryExtension(whole), validateDiscoveryExtensionSpec(extension)];
  return checks.flatMap(({ valid, errors = [] }) => (valid ? [] : errors));
}

async function read(path: DiscoveryPath, plan: Plan): Promise<string> {
  if (plan.discovery === undefined) throw new Error('discovery is off');
  return (await discoveryPage(path, plan, plan.discovery)).body;
}

async function documentFaultsOf(document: string): Promise<readonly unknown[]> {
  const readme = await validateReadme(JSON.parse(document));
  const seriousme = await new Validator().validate(JSON.parse(document));
  return [
    ...(readme.valid ? [] : readme.errors),
    ...(seriousme.valid ? [] : [seriousme.errors]),
    ...validateMpp(JSON.parse(document)).filter(({ severity }) => severity === 'error'),
  ];
}

describe('The call description of a route', () => {
  it('is in the bazaar extension of its 402s, which official validators take', async () => {
    const read = await bazaarOf(WEATHER, '/v1/weather/oslo', 'GET');
    expect(faultsOf(read)).toEqual([]);
    expect(read['info']).toEqual({
      input: {
        type: 'http',
        method: 'GET',
        queryParams: { units: 'metric', days: 3, tags: ['a', 'b'] },
        pathParams: { city: 'oslo' },
      },
      output: { type: 'json', example: { celsius: 7.5 } },
    });
    const write = await bazaarOf(WEATHER, '/v1/weather/oslo', 'POST');
    expect(faultsOf(write)).toEqual([]);
    expect(write).toMatchObject({
      info: { input: { bodyType: 'json', body: { at: { hour: 7 }, note: null, places: [1, 2] } } },
      schema: { properties: { input: { properties: { body: { properties: { at: { type: 'object' } } } } } } },
    });
    expect(validateAndExtract(write as unknown as Parameters<typeof validateAndExtract>[0])).toMatchObject({
      valid: true,
      info: write['info'],
    });
  });

  it.each([
    ['a form', '{ input: { body: { file: a }, bodyType: form-data } }', { bodyType: 'form-data', body: { file: 'a' } }],
    ['a text', '{ input: { body: "a text", bodyType: text } }', { bodyType: 'text', body: 'a text' }],
    ['a list', '{ input: { body: [1, 2] } }', { bodyType: 'json', body: [1, 2] }],
    ['a number', '{ input: { body: 7 }, output: [7] }', { bodyType: 'json', body: 7 }],
  ])('may be %s in the place of a map of JSON', async (_, discovery, input) => {
    const extension = await bazaarOf(`  - { path: /a, price: $1, discovery: ${discovery} }\n`, '/a', 'POST');
    expect(faultsOf(extension)).toEqual([]);
    expect(extension).toMatchObject({ info: { input } });
  });

  it('is `outputSchema` for clients of v1', async () => {
    const gateway = await openValueGateway(`routes:\n${WEATHER}`);
    const body = (await gateway.ask('/v1/weather/oslo', { method: 'GET' }))?.body ?? '';
    const [entry] = JSON.parse(String(body)).accepts;
    expect(entry.outputSchema).toEqual({
      input: {
        type: 'http',
        method: 'GET',
        discoverable: true,
        queryParams: { units: { type: 'string' }, days: { type: 'integer' }, tags: { type: 'array' } },
      },
      output: { celsius: 7.5 },
    });
    expect(extractDiscoveryInfoV1(entry)).toMatchObject({ input: { method: 'GET' } });
  });

  it('always fits into a payment, at the greatest depth and length', async () => {
    const deep = '['.repeat(20) + ']'.repeat(20);
    const extension = await bazaarOf(`  - { path: /a, price: $1, discovery: { output: ${deep} } }\n`, '/a', 'GET');
    const payment = Buffer.from(JSON.stringify({ x402Version: 2, extensions: { bazaar: extension } }));
    expect(extension).toHaveProperty('info.output');
    expect(decodeHeaderJson(payment.toString('base64')).ok).toBe(true);
    const long = await bazaarOf(
      `  - { path: /a, price: $1, discovery: { output: "${'x'.repeat(3900)}" } }\n`,
      '/a',
      'GET',
    );
    expect(long['info']).toEqual({ input: { type: 'http', method: 'GET' } });
  });

  it('is in /openapi.json, which validators take', async () => {
    const plan = await planOf(`${PUBLISHED_HEAD}routes:\n${WEATHER}`);
    const document = await read('/openapi.json', plan);
    expect(await documentFaultsOf(document)).toEqual([]);
    const { get, post } = JSON.parse(document).paths['/v1/weather/{city}'];
    expect(get).toMatchObject({
      summary: 'Weather of a city',
      description: 'Degrees now,\nand for some days.',
      parameters: [
        { name: 'city', in: 'path' },
        { name: 'units', in: 'query', schema: { type: 'string' }, example: 'metric' },
        { name: 'days', in: 'query', schema: { type: 'integer' }, example: 3 },
        { name: 'tags', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
      ],
      responses: { 200: { content: { 'application/json': { example: { celsius: 7.5 } } } } },
    });
    expect(get.requestBody).toBeUndefined();
    expect(post.requestBody.content['application/json']).toMatchObject({
      schema: { properties: { at: { type: 'object', properties: { hour: { type: 'integer' } } } } },
      example: { note: null },
    });
  });

  it('is in /llms.txt, where it is short', async () => {
    const long = `  - { path: /long, methods: [GET], price: $1, discovery: { output: "${'x'.repeat(400)}" } }\n`;
    const text = await read('/llms.txt', await planOf(`${PUBLISHED_HEAD}routes:\n${WEATHER}${long}`));
    expect(text).toContain(
      [
        ': $0.001 a call. Weather of a city. Degrees now, and for some days.',
        '  - query, such as `{"units":"metric","days":3,"tags":["a","b"]}`',
        '  - answer, such as `{"celsius":7.5}`',
        '- [POST',
      ].join('\n'),
    );
    expect(text).toContain('  - body (json), such as `{"at":{"hour":7},"note":null,"places":[1,2]}`');
    expect(text).not.toContain('xxx');
  });

  it("overrides the API's description of the same operation, part by part, and fills its gaps", async () => {
    const parameters = [
      { name: 'old', in: 'query', schema: { type: 'string' } },
      { name: 'X-Lang', in: 'header', schema: { type: 'string' } },
    ];
    const responses = { 201: { description: 'Made.' }, 404: { description: 'No such city.' } };
    const description = {
      openapi: '3.1.0',
      info: { title: 'Weather', version: '1' },
      paths: {
        '/v1/weather/{town}': {
          parameters: [{ name: 'town', in: 'path', required: true, schema: { type: 'string' } }],
          get: { summary: 'By the document', parameters, responses },
        },
        '/v1/weather/{town}/other': { get: { parameters: [], responses } },
      },
    };
    const table = `routes:
${WEATHER.replace('[GET, POST]', '[GET]').replace('        body: { at: { hour: 7 }, note: null, places: [1, 2] }\n', '')}  - { path: /quiet, methods: [GET], price: $1 }
  - { path: /told, methods: [GET], price: $1, discovery: { output: { a: 1 } } }
`;
    const parsed = parseApiDocument(JSON.stringify(description));
    if (!parsed.ok) throw new Error(parsed.wrong);
    const plan = {
      ...(await planOf(PUBLISHED_HEAD + table)),
      discovery: { ...DEFAULT_DISCOVERY, document: parsed.value },
    };
    const document = await read('/openapi.json', plan);
    expect(await documentFaultsOf(document)).toEqual([]);
    const { paths } = JSON.parse(document);
    expect(Object.keys(paths)).toEqual(['/v1/weather/{town}', '/told']);
    const { get } = paths['/v1/weather/{town}'];
    expect(get.summary).toBe('By the document');
    expect(get.parameters.map(({ name }: { name: string }) => name)).toEqual([
      'X-Lang',
      'town',
      'units',
      'days',
      'tags',
    ]);
    expect(Object.keys(get.responses)).toEqual(['201', '402', '404']);
    expect(get.responses[201]).toMatchObject({
      description: 'Made.',
      content: { 'application/json': { example: { celsius: 7.5 } } },
    });
  });

  it('gives the arguments of MCP tools', async () => {
    const plan = await planOf(
      `${PUBLISHED_HEAD}routes:\n${WEATHER}  - { path: /plain, methods: [GET, POST], price: $1 }\n`,
    );
    if (plan.discovery === undefined) throw new Error('discovery is off');
    const { tools } = toolCatalogue(plan, plan.discovery);
    expect(tools.map(({ method, arguments: given }) => [method, given.map(({ name }) => name)])).toEqual([
      ['GET', ['city', 'units', 'days', 'tags']],
      ['POST', ['city', 'units', 'days', 'tags', expect.any(String)]],
      ['GET', expect.any(Array)],
    ]);
  });

  it('is shown with the route, and a reload reports its change', async () => {
    const before = await planOf(`${PUBLISHED_HEAD}routes:\n${WEATHER}`);
    const after = await planOf(`${PUBLISHED_HEAD}routes:\n${WEATHER.replace('      output: { celsius: 7.5 }\n', '')}`);
    expect(describeRoutes(before)[0]?.discovery).toBe('description, query, body, output');
    expect(differenceOf(before, after)).toMatchObject([{ key: 'discovery', to: 'description, query, body' }]);
    const other = await planOf(`${PUBLISHED_HEAD}routes:\n${WEATHER.replace('7.5', '8')}`);
    expect(differenceOf(before, other)).toHaveLength(1);
  });
});
