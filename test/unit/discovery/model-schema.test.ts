import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { DEFAULT_DISCOVERY } from '../../../src/config/discovery-keys.ts';
import { toolCatalogue } from '../../../src/discovery/api-tools.ts';
import { schemaForModels } from '../../../src/discovery/model-schema.ts';
import type { Json, JsonObject } from '../../../src/domain/x402.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { PUBLISHED_HEAD } from '../../support/config/load.ts';
import { planOf } from '../../support/gateway.ts';

const EXAMPLES = new URL('../../../node_modules/@readme/oas-examples/', import.meta.url);

const PLAN = `${PUBLISHED_HEAD}routes:
  - { path: /*, price: $0.001 }
`;

/** What is wrong with a schema by the metaschema of JSON Schema 2020-12, or with its patterns. */
function faultOf(schema: JsonObject): unknown {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  if (ajv.validateSchema(schema) !== true) return ajv.errors;
  ajv.compile(schema);
  return undefined;
}

describe('A schema for models', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['a bound of OpenAPI 3.0', { minimum: 1, exclusiveMinimum: true }, { exclusiveMinimum: 1 }],
    ['a bound that is not excluded', { maximum: 9, exclusiveMaximum: false }, { maximum: 9 }],
    ['two bounds', { minimum: 1, exclusiveMinimum: 0 }, { minimum: 1, exclusiveMinimum: 0 }],
    ['a bound of nothing', { exclusiveMinimum: true }, {}],
    ['a tuple of draft 4', { type: 'array', items: [{}] }, { type: 'array', prefixItems: [{}] }],
    ['a list of anything', { type: 'array' }, { type: 'array', items: {} }],
    ['perhaps a list', { type: ['array', 'null'] }, { type: ['array', 'null'], items: {} }],
    ['a tuple', { type: 'array', prefixItems: [true] }, { type: 'array', prefixItems: [true] }],
    ['no type', { type: 'any', description: 'x' }, { description: 'x' }],
    ['an upload of Swagger 2', { type: 'file' }, {}],
    ['a type twice', { type: ['string', 'string'] }, {}],
    ['a mark at a property', { properties: { a: { required: true } } }, { properties: { a: {} } }],
    ['names twice', { required: ['a', 'a'] }, {}],
    ['a choice of nothing', { enum: [], oneOf: [], anyOf: {} }, {}],
    ['a pattern of another language', { pattern: '(?i)abc' }, {}],
    ['a pattern', { pattern: '^[a-z]+$' }, { pattern: '^[a-z]+$' }],
    ['numbers as text', { minimum: '1', minLength: '2', multipleOf: 0 }, {}],
    ['no counts', { minLength: -1, maxItems: 1.5 }, {}],
    ['a word of OpenAPI 3.0', { nullable: true, anyOf: [{ nullable: true }] }, { anyOf: [{}] }],
    ['a text that is none', { description: null, examples: { a: 1 } }, {}],
    [
      'no schema in its place',
      { items: 7, properties: { a: 1 }, allOf: [1, {}] },
      { properties: { a: {} }, allOf: [{}] },
    ],
    [
      'properties with the names of keywords',
      { properties: { type: {}, enum: {} } },
      { properties: { type: {}, enum: {} } },
    ],
    ['data', { default: { type: 'any' }, const: null }, { default: { type: 'any' }, const: null }],
  ])('is valid where the API describes %s', (_, schema, expected) => {
    const made = schemaForModels(schema);
    expect(made).toEqual(expected);
    expect(faultOf(made)).toBeUndefined();
  });

  it('has the same words for everything below it', () => {
    const wrong: Json = { type: 'any' };
    const places: JsonObject = {
      ...{ items: wrong, not: wrong, additionalProperties: wrong, allOf: [wrong], prefixItems: [wrong] },
      ...{ properties: { a: wrong }, $defs: { a: wrong }, patternProperties: { a: wrong } },
    };
    expect(JSON.stringify(schemaForModels({ anyOf: [places] }))).not.toContain('any"}');
  });
});

describe('The tools of an API', () => {
  it.each([
    '2.0/json/petstore.json',
    '3.0/json/schema-validation.json',
    '3.0/json/complex-nesting.json',
    '3.1/json/schema-validation-local.json',
  ])('of %s have valid schemas', async (file) => {
    const parsed = parseApiDocument(readFileSync(new URL(file, EXAMPLES), 'utf8'));
    if (!parsed.ok) throw new Error(parsed.wrong);
    const { tools } = toolCatalogue(await planOf(PLAN), { ...DEFAULT_DISCOVERY, document: parsed.value });
    expect(tools.length).toBeGreaterThan(0);
    for (const { name, inputSchema } of tools) expect([name, faultOf(inputSchema)]).toEqual([name, undefined]);
  });
});
