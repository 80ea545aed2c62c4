import { describe, expect, it } from 'vitest';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { readOperations } from '../../../src/openapi/operations.ts';

function operationsOf(document: object): readonly string[] {
  const parsed = parseApiDocument(JSON.stringify(document));
  if (!parsed.ok) throw new Error(parsed.wrong);
  return readOperations(parsed.value).operations.map(({ method, template }) => `${method} ${template}`);
}

describe('an API description', () => {
  it.each([
    ['a list', '[]', 'it is not a map'],
    ['a map without a version', '{"paths":{}}', 'it states no version'],
    ['another version', '{"openapi":"4.0.0"}', 'its version "4.0.0" is not known'],
    ['broken YAML', 'openapi: "3.0.0\npaths: {', 'it is neither JSON nor YAML'],
    [
      'an alias bomb',
      `a: &a [1,1]\n${'b: &b [*a,*a]\n'.repeat(1)}${Array.from({ length: 30 }, (_, n) => `c${n}: &c${n} [${n === 0 ? '*a' : `*c${n - 1},*c${n - 1}`}]`).join('\n')}`,
      'it is neither JSON nor YAML',
    ],
  ])('that is %s is refused with what is wrong', (_, text, wrong) => {
    const parsed = parseApiDocument(text);
    expect(parsed.ok ? 'read' : parsed.wrong).toContain(wrong);
  });

  it('is read from YAML as from JSON', () => {
    const parsed = parseApiDocument('swagger: "2.0"\nbasePath: /v1\npaths: { /a: { get: {} } }');
    expect(parsed.ok && readOperations(parsed.value).operations[0]?.template).toBe('/v1/a');
  });
});

describe('the operations of a description', () => {
  it('stand below the base path of Swagger 2', () => {
    expect(operationsOf({ swagger: '2.0', basePath: '/api/', paths: { '/pets': { get: {}, post: {} } } })).toEqual([
      'GET /api/pets',
      'POST /api/pets',
    ]);
  });

  it('stand below the path of the first server, whose variables have their defaults', () => {
    const servers = [
      {
        url: 'https://{region}.example.com/{version}',
        variables: { region: { default: 'eu' }, version: { default: 'v2' } },
      },
    ];
    expect(operationsOf({ openapi: '3.0.3', servers, paths: { '/pets': { get: {} } } })).toEqual(['GET /v2/pets']);
  });

  it('take the server of their path before that of the document, and their own before both', () => {
    const paths = {
      '/a': { servers: [{ url: '/path' }], get: {}, put: { servers: [{ url: 'https://x.example/own' }] } },
    };
    expect(operationsOf({ openapi: '3.1.0', servers: [{ url: '/root' }], paths })).toEqual([
      'GET /path/a',
      'PUT /own/a',
    ]);
  });

  it('are found behind references, and references that lead nowhere or in a circle are reported', () => {
    const document = {
      openapi: '3.1.0',
      paths: {
        '/a': { $ref: '#/components/pathItems/A~1b' },
        '/gone': { $ref: '#/components/pathItems/none' },
        '/elsewhere': { $ref: 'other.yaml#/x' },
        '/circle': { $ref: '#/paths/~1circle' },
        '/odd': { get: 7 },
      },
      components: { pathItems: { 'A/b': { get: { operationId: 'a' } } } },
    };
    const parsed = parseApiDocument(JSON.stringify(document));
    const { operations, unreadable } = parsed.ok ? readOperations(parsed.value) : { operations: [], unreadable: [] };
    expect(operations.map(({ id }) => id)).toEqual(['a']);
    expect(unreadable.map(({ place }) => place)).toEqual([
      'paths./gone',
      'paths./elsewhere',
      'paths./circle',
      'paths./odd.get',
    ]);
  });

  it('are those of methods without a key of their own, too, as OpenAPI 3.2 has them', () => {
    const additionalOperations = { PURGE: {}, Sub: {} };
    expect(operationsOf({ openapi: '3.2.0', paths: { '/a': { get: {}, query: {}, additionalOperations } } })).toEqual([
      'GET /a',
      'QUERY /a',
      'PURGE /a',
      'Sub /a',
    ]);
    expect(operationsOf({ openapi: '3.2.0', paths: { '/a': { additionalOperations: ['GET'] } } })).toEqual([]);
  });

  it('are not looked for in the prototype', () => {
    expect(operationsOf({ openapi: '3.1.0', paths: { '/a': { $ref: '#/constructor/prototype' } } })).toEqual([]);
  });

  it('have the media type of their first successful answer', () => {
    const responses = { 404: { content: { 'text/plain': {} } }, 200: { $ref: '#/components/responses/Ok' } };
    const document = {
      openapi: '3.0.0',
      paths: { '/a': { get: { responses } } },
      components: { responses: { Ok: { content: { 'text/csv': {} } } } },
    };
    const parsed = parseApiDocument(JSON.stringify(document));
    expect(parsed.ok && readOperations(parsed.value).operations[0]?.mimeType).toBe('text/csv');
  });
});
