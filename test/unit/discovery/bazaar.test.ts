import { readdirSync, readFileSync } from 'node:fs';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import {
  isValidRouteTemplate,
  validateAndExtract,
  validateDiscoveryExtension,
  validateDiscoveryExtensionSpec,
} from '@x402/extensions/bazaar';
import { describe, expect, it } from 'vitest';
import { parsePathPattern } from '../../../src/config/path-pattern.ts';
import { CallBook } from '../../../src/discovery/calls.ts';
import type { ApiDocument } from '../../../src/domain/discovery.ts';
import type { PathPattern } from '../../../src/domain/route.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { loadKeccak256 } from '../../../src/evm/keccak.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { readOperations } from '../../../src/openapi/operations.ts';
import { routeTemplate } from '../../../src/protocol/bazaar.ts';
import { type ChallengeSubject, composeChallenge } from '../../../src/protocol/challenge.ts';
import { decodeHeaderJson } from '../../../src/protocol/header-json.ts';
import { createMpp } from '../../../src/protocol/mpp/mpp.ts';
import { compileBody } from '../../../src/protocol/v1/challenge-body.ts';
import { compileHeader } from '../../../src/protocol/v2/challenge-header.ts';
import { x402V2 } from '../../../src/protocol/v2/x402-v2.ts';
import { exactOffer } from '../../support/exact-evm-payments.ts';

const EXAMPLES = new URL('../../../node_modules/@readme/oas-examples/', import.meta.url);
const CATALOGUED = new Set(['GET', 'HEAD', 'DELETE', 'POST', 'PUT', 'PATCH']);

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

function patternOf(text: string): PathPattern {
  const parsed = parsePathPattern(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.wrong}`);
  return parsed.value;
}

function documentOf(text: string): ApiDocument {
  const parsed = parseApiDocument(text);
  if (!parsed.ok) throw new Error(parsed.wrong);
  return parsed.value;
}

function subjectOf(pattern: PathPattern, document?: ApiDocument): ChallengeSubject {
  const calls = new CallBook(document).callsOf({ pattern, methods: undefined });
  return {
    description: 'Current weather for a city',
    mimeType: 'application/json',
    offers: [exactOffer()],
    route: 'route',
    identifier: 'off',
    listing: { pattern, calls, serviceName: 'Weather', tags: ['weather'], iconUrl: undefined },
  };
}

/** The extension of a 402, as a client reads it. */
function bazaarOf(subject: ChallengeSubject, method: string, path: string): JsonObject {
  const header = compileHeader(subject)({ url: `https://api.example.com${path}`, method, path }, 'Payment required');
  return decodePaymentRequiredHeader(header).extensions?.['bazaar'] as JsonObject;
}

/** What the official validators have against a declaration. */
function faultsOf(extension: JsonObject): readonly string[] {
  const given = extension as unknown as Parameters<typeof validateDiscoveryExtension>[0];
  return [
    ...(validateDiscoveryExtension(given).errors ?? []),
    ...(validateDiscoveryExtensionSpec(given as unknown as Record<string, unknown>).errors ?? []),
  ];
}

const WEATHER = documentOf(
  JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'Weather', version: '1' },
    paths: {
      '/v1/weather/{town}': {
        parameters: [{ name: 'town', in: 'path', required: true, schema: { type: 'string' } }],
        get: {
          parameters: [
            { name: 'units', in: 'query', required: true, schema: { type: 'string', enum: ['metric', 'imperial'] } },
            { name: 'days', in: 'query', schema: { $ref: '#/components/schemas/Days' } },
          ],
          responses: { 200: { description: 'ok', content: { 'application/json': { example: { celsius: 7 } } } } },
        },
        post: {
          requestBody: {
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['celsius'],
                  properties: { celsius: { type: 'number', example: 'warm' }, note: { type: 'string' } },
                },
              },
            },
          },
          responses: { 201: { description: 'ok' } },
        },
      },
    },
    components: { schemas: { Days: { type: 'integer', default: 3 } } },
  }),
);

describe('the bazaar extension of a 402', () => {
  it('says how a route is called from the price table alone', () => {
    const extension = bazaarOf(subjectOf(patternOf('/v1/weather/:city')), 'GET', '/v1/weather/New%20York');
    expect(faultsOf(extension)).toEqual([]);
    expect(extension).toMatchObject({
      info: { input: { type: 'http', method: 'GET', pathParams: { city: 'New York' } } },
      routeTemplate: '/v1/weather/:city',
    });
    expect(extension['info']).not.toHaveProperty('output');
    expect(validateAndExtract(extension as unknown as Parameters<typeof validateAndExtract>[0])).toMatchObject({
      valid: true,
      info: extension['info'],
    });
  });

  it('takes parameters, body and example from the description of the API', () => {
    const subject = subjectOf(patternOf('/v1/weather/:city'), WEATHER);
    const read = bazaarOf(subject, 'GET', '/v1/weather/paris');
    expect(faultsOf(read)).toEqual([]);
    expect(read['info']).toEqual({
      input: { type: 'http', method: 'GET', queryParams: { units: 'metric' }, pathParams: { city: 'paris' } },
      output: { type: 'json', example: { celsius: 7 } },
    });
    expect(read).toHaveProperty('schema.properties.input.properties.queryParams.properties', {
      units: { type: 'string', enum: ['metric', 'imperial'] },
      days: { type: 'integer' },
    });
    const write = bazaarOf(subject, 'POST', '/v1/weather/paris');
    expect(faultsOf(write)).toEqual([]);
    // An example that does not fit its own schema is not repeated.
    expect(write['info']).toMatchObject({ input: { method: 'POST', bodyType: 'json', body: { celsius: 1 } } });
  });

  it('names one method, and says nothing of a method that catalogues do not take', () => {
    const subject = subjectOf(patternOf('/v1/weather'));
    for (const method of CATALOGUED) {
      const extension = bazaarOf(subject, method, '/v1/weather');
      expect(faultsOf(extension), method).toEqual([]);
      expect(extension).toHaveProperty('schema.properties.input.properties.method.enum', [method]);
    }
    expect(bazaarOf(subject, 'OPTIONS', '/v1/weather')).toBeUndefined();
  });

  it.each([
    ['/v1/:city/now', '/v1/:city/now'],
    ['/v1/weather', undefined],
    ['/v1/:city/*', undefined],
    ['/*', undefined],
    ['/models/{model}:generate', undefined],
    ['/v1/@team/:city', undefined],
    ['/v1/%E2%82%AC/:city', '/v1/%E2%82%AC/:city'],
    ['/v1/a:b/:city', undefined],
  ])('has for %s the template %s, which facilitators take', (path, template) => {
    expect(routeTemplate(patternOf(path))).toBe(template);
    if (template !== undefined) expect(isValidRouteTemplate(template)).toBe(true);
    expect(faultsOf(bazaarOf(subjectOf(patternOf(path)), 'GET', '/v1/x/now'))).toEqual([]);
  });

  const files = ['2.0', '3.0', '3.1'].flatMap((version) =>
    readdirSync(new URL(`${version}/json/`, EXAMPLES))
      .filter((name) => name.endsWith('.json') && name !== 'webhooks.json')
      .map((name) => `${version}/json/${name}`),
  );

  it.each(files)('is valid and short for the operations of %s', (file) => {
    const document = documentOf(readFileSync(new URL(file, EXAMPLES), 'utf8'));
    // The official validator compiles a schema for each, which takes some 20 ms.
    for (const { method, template } of readOperations(document).operations.slice(0, 8)) {
      const parsed = parsePathPattern(template.replace(/\{([^}]*)\}/g, (_, name) => `:${name.replace(/\W/g, '_')}`));
      if (!parsed.ok || !CATALOGUED.has(method)) continue;
      const path = template.replace(/\{[^}]*\}/g, 'x');
      const subject = subjectOf(parsed.value, document);
      const header = compileHeader(subject)({ url: `https://api.example.com${path}`, method, path }, 'x');
      expect(header.length).toBeLessThanOrEqual(3500);
      expect(faultsOf(bazaarOf(subject, method, path)), `${method} ${template}`).toEqual([]);
    }
  });

  it('is cut when the header gets too long: first the answer, then the examples, then all of it', () => {
    const pattern = patternOf('/v1/weather/:city');
    const checked = new Set<string>();
    const parts = (url: string): string => {
      const asked = { url: `https://api.example.com/v1/weather/x?${url}`, method: 'GET', path: '/v1/weather/x' };
      const decoded = decodePaymentRequiredHeader(compileHeader(subjectOf(pattern, WEATHER))(asked, 'x'));
      expect(decoded.accepts).toHaveLength(1);
      const extension = decoded.extensions?.['bazaar'];
      if (extension === undefined) return 'nothing';
      const text = JSON.stringify(extension);
      if (!checked.has(text)) expect(faultsOf(extension as JsonObject)).toEqual([]);
      checked.add(text);
      const { info } = extension as { info: { input: { queryParams?: object }; output?: object } };
      if (info.output !== undefined) return 'all';
      return Object.keys(info.input.queryParams ?? {}).length > 0 ? 'input' : 'bare';
    };
    const seen = Array.from({ length: 300 }, (_, index) => parts('q'.repeat(index * 10)));
    expect([...new Set(seen)]).toEqual(['all', 'input', 'bare', 'nothing']);
  });

  it('leaves room for the challenges of MPP when the head has little', async () => {
    const keccak256 = await loadKeccak256();
    const mpp = createMpp({ secrets: [Buffer.alloc(32, 1)], header: 'Authorization', keccak256, clock: Date.now });
    const challenge = composeChallenge([x402V2, mpp], subjectOf(patternOf('/v1/weather/:city'), WEATHER));
    const said = new Set<string>();
    for (let index = 0; index < 300; index++) {
      const url = `https://api.example.com/v1/weather/x?${'q'.repeat(index * 10)}`;
      const asked = { url, method: 'GET', path: '/v1/weather/x' };
      const { headers } = challenge.state(asked, { code: 'payment_required', reason: 'x' });
      const [name, required = '', other, charge = ''] = headers;
      expect([name, other, headers.length]).toEqual(['PAYMENT-REQUIRED', 'WWW-Authenticate', 4]);
      const extension = decodePaymentRequiredHeader(required).extensions?.['bazaar'];
      said.add(extension === undefined ? 'nothing' : 'something');
      // Without the extension nothing is left to cut.
      if (extension !== undefined) expect(required.length + charge.length).toBeLessThanOrEqual(3500);
    }
    expect([...said]).toEqual(['something', 'nothing']);
  });

  it.each([
    ['an example of the answer that is nested deeply', nested(40), {}],
    ['an example of the answer that names a prototype', '{"__proto__":{"a":1}}', {}],
    ['an example of the body that is nested deeply', '{"celsius":7}', nested(45)],
  ])('holds nothing that is forbidden in a payment: %s', (_, output, body) => {
    const document = documentOf(`{"openapi":"3.1.0","info":{"title":"a","version":"1"},"paths":{"/v1/a":{"post":{
      "requestBody":{"content":{"application/json":{"schema":{"type":"object","required":["a"],"properties":{"a":{}}},"example":{"a":${typeof body === 'string' ? body : '1'}}}}},
      "responses":{"200":{"description":"","content":{"application/json":{"example":${output}}}}}}}}}`);
    const asked = { url: 'https://api.example.com/v1/a', method: 'POST', path: '/v1/a' };
    const header = compileHeader(subjectOf(patternOf('/v1/a'), document))(asked, 'x');
    expect(decodeHeaderJson(header).ok).toBe(true);
    // The payment of a client decodes too, with the extension one level deeper.
    const told = decodePaymentRequiredHeader(header);
    expect(told.extensions?.['bazaar']).toBeDefined();
    const payment = Buffer.from(JSON.stringify({ x402Version: 2, extensions: told.extensions })).toString('base64');
    expect(decodeHeaderJson(payment).ok).toBe(true);
  });

  it('is `outputSchema` for clients of v1', () => {
    const offer = { ...exactOffer(), v1Network: 'base-sepolia' };
    const subject = { ...subjectOf(patternOf('/v1/weather/:city'), WEATHER), offers: [offer] };
    const body = compileBody(subject)?.(
      { url: 'https://a.example/v1/weather/x', method: 'GET', path: '/' },
      { reason: 'x' },
    );
    expect(JSON.parse(body ?? '').accepts[0].outputSchema).toEqual({
      input: {
        type: 'http',
        method: 'GET',
        discoverable: true,
        queryParams: { units: { type: 'string', enum: ['metric', 'imperial'] }, days: { type: 'integer' } },
      },
      output: { celsius: 7 },
    });
  });
});
