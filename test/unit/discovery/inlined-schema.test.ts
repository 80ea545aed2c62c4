import { describe, expect, it } from 'vitest';
import { DEFAULT_DISCOVERY } from '../../../src/config/discovery-keys.ts';
import { toolCatalogue } from '../../../src/discovery/api-tools.ts';
import { inlinedSchema } from '../../../src/discovery/inlined-schema.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { PUBLISHED_HEAD } from '../../support/config/load.ts';
import { planOf } from '../../support/gateway.ts';

const to = (name: string): JsonObject => ({ $ref: `#/$defs/${name}` });
const schemaWith = (properties: JsonObject, $defs: JsonObject): JsonObject => ({ type: 'object', properties, $defs });
const text = { type: 'string', description: 'of the definition' };

describe('A schema whose definitions are put where they are referred to', () => {
  it('holds them in every place, also within each other', () => {
    const colour = { enum: ['red', 'green'] };
    const pet = { type: 'object', properties: { colour: to('Colour'), tags: { items: to('Colour') } } };
    const schema = schemaWith({ a: to('Pet'), b: { anyOf: [to('Pet'), to('Colour')] } }, { Pet: pet, Colour: colour });
    const whole = { type: 'object', properties: { colour, tags: { items: colour } } };
    expect(inlinedSchema(schema, 1000)).toEqual({
      type: 'object',
      properties: { a: whole, b: { anyOf: [whole, colour] } },
    });
  });

  it('keeps what stands beside a reference: words win, and anything else holds as well', () => {
    const schema = schemaWith(
      { a: { ...to('Text'), description: 'own' }, b: { ...to('Text'), minLength: 3, allOf: [{ maxLength: 9 }] } },
      { Text: text },
    );
    expect(inlinedSchema(schema, 1000)?.['properties']).toEqual({
      a: { type: 'string', description: 'own' },
      b: { minLength: 3, allOf: [text, { maxLength: 9 }] },
    });
  });

  it('refers to those that hold themselves, and has no others', () => {
    const node = { properties: { next: to('Node'), name: to('Text') } };
    const list = { items: to('Item') };
    const item = { properties: { list: to('List') } };
    const schema = schemaWith(
      { a: to('Node'), b: to('List'), c: to('Text') },
      { Node: node, List: list, Item: item, Text: text },
    );
    expect(inlinedSchema(schema, 1000)).toEqual(
      schemaWith(
        { a: to('Node'), b: to('List'), c: text },
        { Node: { properties: { next: to('Node'), name: text } }, List: list, Item: item },
      ),
    );
  });

  it('finds definitions whose names are escaped, and leaves references to nothing alone', () => {
    const schema = schemaWith({ a: to('a~1b%20c'), b: to('none'), c: to('%'), $ref: text }, { 'a/b c': text });
    const properties = { a: text, b: to('none'), c: to('%'), $ref: text };
    expect(inlinedSchema(schema, 1000)).toEqual({ type: 'object', properties });
  });

  it('is none where it would be too large, however often its definitions double', () => {
    const levels = Array.from({ length: 60 }, (_, at) => [
      `L${at}`,
      { properties: { a: to(`L${at + 1}`), b: to(`L${at + 1}`) } },
    ]);
    const schema = schemaWith({ a: to('L0') }, { ...Object.fromEntries(levels), L60: text });
    expect(inlinedSchema(schema, 10_000)).toBeUndefined();
  });

  it('is what a tool has, unless that is too long for a model', async () => {
    const plan = await planOf(`${PUBLISHED_HEAD}routes:
  - { path: /*, methods: [POST], price: $0.001 }
`);
    const schemaOf = async (long: string): Promise<JsonObject | undefined> => {
      const described = { type: 'string', description: long };
      const names = Array.from({ length: 10 }, (_, at) => [`p${at}`, { $ref: '#/components/schemas/Text' }]);
      const schema = { type: 'object', properties: Object.fromEntries(names) };
      const requestBody = { required: true, content: { 'application/json': { schema } } };
      const document = parseApiDocument(
        JSON.stringify({
          openapi: '3.1.0',
          info: { title: 'a', version: '1' },
          paths: { '/a': { post: { requestBody, responses: {} } } },
          components: { schemas: { Text: described } },
        }),
      );
      if (!document.ok) throw new Error(document.wrong);
      return toolCatalogue(plan, { ...DEFAULT_DISCOVERY, document: document.value }).tools[0]?.inputSchema;
    };
    expect(JSON.stringify(await schemaOf('short'))).not.toMatch(/\$ref|\$defs/);
    expect(await schemaOf('long '.repeat(1000))).toMatchObject({
      properties: { body: { properties: { p9: { $ref: '#/$defs/schemas.Text' } } } },
    });
  });
});
