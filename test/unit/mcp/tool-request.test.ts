import { describe, expect, it } from 'vitest';
import type { ApiTool, ToolArgument } from '../../../src/domain/api-tool.ts';
import { parseExactly } from '../../../src/domain/exact-json.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { toolRequest } from '../../../src/mcp/tool-request.ts';

const PLAIN = { delimiter: undefined, deep: false } as const;

function request(template: string, args: readonly ToolArgument[], given: string) {
  const tool = { method: 'GET', template, arguments: args } as unknown as ApiTool;
  const result = toolRequest(tool, parseExactly(given) as JsonObject);
  return result.ok ? { ...result.request, body: result.request.body?.toString() } : result.wrong;
}

const query = (
  name: string,
  style: { delimiter: ',' | ' ' | '|' | undefined; deep: boolean } = PLAIN,
): ToolArgument => ({
  name,
  required: false,
  place: { kind: 'query', name, style },
});
const path = (name: string, rest = false): ToolArgument => ({
  name,
  required: !rest,
  place: { kind: 'path', name, rest },
});
const body = (form: 'json' | 'form' | 'text', mimeType: string): ToolArgument => ({
  name: 'body',
  required: true,
  place: { kind: 'body', form, mimeType },
});

describe('the request of a tool', () => {
  it.each([
    ['a list as several parameters', query('q'), '{"q":["a b",1,true]}', '/x?q=a%20b&q=1&q=true'],
    ['a list with commas', query('q', { delimiter: ',', deep: false }), '{"q":["a,b",1]}', '/x?q=a%2Cb,1'],
    ['a list with pipes', query('q', { delimiter: '|', deep: false }), '{"q":["a",1]}', '/x?q=a%7C1'],
    ['a list with blanks', query('q', { delimiter: ' ', deep: false }), '{"q":["a",1]}', '/x?q=a%201'],
    ['an object by its members', query('q'), '{"q":{"a":1,"b":null}}', '/x?a=1'],
    ['an object below its name', query('q', { delimiter: undefined, deep: true }), '{"q":{"a":1}}', '/x?q%5Ba%5D=1'],
    ['a number as it was written', query('q'), '{"q":12345678901234567890.10}', '/x?q=12345678901234567890.10'],
    ['nothing for null', query('q'), '{"q":null}', '/x'],
  ])('has %s in its query', (_, argument, given, target) => {
    expect(request('/x', [argument], given)).toMatchObject({ target });
  });

  it.each([
    ['/a/{b}/c', '{"b":"x y"}', '/a/x%20y/c'],
    ['/a/{b}.json', '{"b":"ü"}', '/a/%C3%BC.json'],
    ['/ä/{b}', '{"b":1}', '/%C3%A4/1'],
  ])('fills %s', (template, given, target) => {
    expect(request(template, [path('b')], given)).toMatchObject({ target });
  });

  it.each([
    ['{"rest":"a/b c"}', '/files/a/b%20c'],
    ['{"rest":"/a"}', '/files/a'],
    ['{"rest":""}', '/files'],
    ['{}', '/files'],
  ])('takes any number of segments when the route does: %s', (given, target) => {
    expect(request('/files/{rest}', [path('rest', true)], given)).toMatchObject({ target });
  });

  it.each([
    ['[1,"a,b",true]', '/items/1,a%2Cb,true'],
    ['["one"]', '/items/one'],
    ['["..",".."]', '/items/..,..'],
  ])('has a list in its path and head with commas: %s', (given, target) => {
    const header: ToolArgument = { name: 'h', required: false, place: { kind: 'header', name: 'X-Ids' } };
    const made = request('/items/{ids}', [path('ids'), header], `{"ids":${given},"h":[1,"a"]}`);
    expect(made).toMatchObject({ target, fields: [['X-Ids', '1,a']] });
  });

  it.each(['[]', '[".."]', '[""]', '[[1]]', '[{}]', '[null]'])('refuses the list %s in its path', (given) => {
    expect(request('/items/{ids}', [path('ids')], `{"ids":${given}}`)).toMatch(/cannot be|is a text/);
  });

  it.each([
    '"a/../b"',
    '".."',
    '"a//b"',
    '"./a"',
    '"a/"',
  ])('refuses a rest of the path that would leave it: %s', (rest) => {
    expect(request('/files/{rest}', [path('rest', true)], `{"rest":${rest}}`)).toContain('it cannot be');
  });

  it.each([
    ['json', 'application/json', '{"body":{"b":1,"a":[1.0,{"d":1,"c":2}]}}', '{"a":[1.0,{"c":2,"d":1}],"b":1}'],
    ['form', 'application/x-www-form-urlencoded', '{"body":{"a":"x&y","b":[1,2]}}', 'a=x%26y&b=1&b=2'],
    ['text', 'text/plain', '{"body":"x\\ny"}', 'x\ny'],
  ] as const)('has a body as %s', (form, mimeType, given, text) => {
    const made = request('/x', [body(form, mimeType)], given);
    expect(made).toMatchObject({ body: text, fields: [['Content-Type', mimeType]] });
  });

  it.each([
    ['{}', 'The argument body is missing.'],
    ['{"body":"x","other":1}', 'There is no argument "other".'],
    ['{"body":{}}', 'body is a text'],
  ])('says what is wrong with %s', (given, wrong) => {
    expect(request('/x', [body('text', 'text/plain')], given)).toContain(wrong);
  });

  it('is no longer than URLs may be', () => {
    expect(request('/x', [query('q')], JSON.stringify({ q: 'x'.repeat(9000) }))).toContain('longer');
  });
});
