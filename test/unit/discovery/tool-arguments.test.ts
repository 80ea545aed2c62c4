import { describe, expect, it } from 'vitest';
import { DEFAULT_DISCOVERY } from '../../../src/config/discovery-keys.ts';
import { toolCatalogue } from '../../../src/discovery/api-tools.ts';
import type { ApiTool } from '../../../src/domain/api-tool.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { toolRequest } from '../../../src/mcp/tool-request.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { PUBLISHED_HEAD } from '../../support/config/load.ts';
import { planOf } from '../../support/gateway.ts';

/** What Anthropic's API and Bedrock demand of each argument; one other name refuses all tools of a client. */
const ARGUMENT = /^[a-zA-Z0-9_.-]{1,64}$/;

const HEAD = `${PUBLISHED_HEAD}routes:
  - { path: /*, methods: [GET], price: $0.001 }
`;

async function toolsOf(paths: JsonObject): Promise<readonly ApiTool[]> {
  const parsed = parseApiDocument(JSON.stringify({ openapi: '3.1.0', info: { title: 'a', version: '1' }, paths }));
  if (!parsed.ok) throw new Error(parsed.wrong);
  return toolCatalogue(await planOf(HEAD), { ...DEFAULT_DISCOVERY, document: parsed.value }).tools;
}

async function toolWith(names: readonly string[]): Promise<ApiTool> {
  const parameters = names.map((name) => ({ name, in: 'query', required: true, schema: { type: 'string' } }));
  const [tool] = await toolsOf({ '/apps': { get: { operationId: 'apps', parameters, responses: {} } } });
  if (tool === undefined) throw new Error('no tool');
  return tool;
}

describe('The arguments of a tool', () => {
  it.each([
    ['brackets', ['filter[name]', 'tags[]'], ['filter_name', 'tags']],
    ['the keys of OData', ['$top', '@odata.type'], ['top', 'odata.type']],
    [
      'blanks, other scripts and nothing else',
      ['Account Number', 'größe', '[]'],
      ['Account_Number', 'gr_e', 'argument'],
    ],
    ['names that models take', ['a.b', '_id', 'X-Style'], ['a.b', '_id', 'X-Style']],
    ['names that become the same', ['a[b]', 'a_b', 'a.b', 'a b'], ['a_b', 'query_a_b', 'a.b', 'query_2_a_b']],
  ])('have names that models take for %s, and go to the API under its own', async (_, names, expected) => {
    const tool = await toolWith(names);
    expect(tool.arguments.map(({ name }) => name)).toEqual(expected);
    expect(tool.inputSchema).toMatchObject({ required: expected });
    expect(Object.keys(tool.inputSchema['properties'] ?? {})).toEqual(expected);
    const result = toolRequest(tool, Object.fromEntries(expected.map((name, index) => [name, `v${index}`])));
    const query = new URLSearchParams(Object.fromEntries(names.map((name, index) => [name, `v${index}`])));
    const sent = result.ok ? new URL(result.request.target, 'http://localhost').searchParams.toString() : result.wrong;
    expect(sent).toBe(query.toString());
  });

  it('are at most 64 characters long, and different', async () => {
    const long = 'x'.repeat(64);
    const given = (await toolWith([`${long}1`, `${long}2`, `${long}3`, long])).arguments.map(({ name }) => name);
    expect(new Set(given).size).toBe(4);
    for (const name of given) expect(name).toMatch(ARGUMENT);
  });
});

describe('The schema of a tool', () => {
  const LIST = { type: 'array', description: 'x'.repeat(30_000) };

  it.each([
    ['a list of anything', { type: 'array' }, { type: 'array', items: {} }],
    ['a list of texts', { type: 'array', items: { type: 'string' } }, { type: 'array', items: { type: 'string' } }],
    ['a list that is only outlined', LIST, { type: 'array', items: {} }],
  ])('says what is in %s, as models demand', async (_, schema, expected) => {
    const parameters = [{ name: 'a', in: 'query', schema }];
    const [tool] = await toolsOf({ '/a': { get: { parameters, responses: {} } } });
    expect(tool?.inputSchema).toMatchObject({ properties: { a: expected } });
  });

  it('has the parameters that a path gives to all its operations', async () => {
    const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
    const [tool] = await toolsOf({ '/a/{id}': { parameters: [id], get: { responses: {} } } });
    expect(tool?.arguments.map(({ name }) => name)).toEqual(['id']);
  });
});

describe('The name of a tool', () => {
  it('leaves room for the name of a server in front', async () => {
    const get = { operationId: 'get-github-actions-default-workflow-permissions-organization', responses: {} };
    const names = (await toolsOf({ '/a': { get }, '/b': { get } })).map(({ name }) => name);
    expect(names).toEqual([
      'get-github-actions-default-workflow-permissions-',
      'get-github-actions-default-workflow-permission_2',
    ]);
  });
});
