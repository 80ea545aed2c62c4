import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { turnpike } from '../../documents/command.ts';

const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const GIVEN = ['--upstream', 'http://127.0.0.1:8080', '--pay-to', PAY_TO, '--network', 'base'];
const folder = mkdtempSync(join(tmpdir(), 'turnpike-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string): string {
  files += 1;
  const path = join(folder, `${files}.yaml`);
  writeFileSync(path, content);
  return path;
}

async function init(document: string) {
  return await turnpike(['init', ...GIVEN, '--from-openapi', document, '-o', '-']);
}

const HEAD = 'openapi: 3.0.0\ninfo: { title: a, version: "1" }\n';
const bomb = [
  'x0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]',
  ...Array.from({ length: 9 }, (_, at) => `x${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(', ')}]`),
].join('\n');

describe('turnpike init, given a hostile description', () => {
  it.each([
    ['an alias that stands for itself', `${HEAD}paths:\n  /a: &a\n    get: *a\n`, 'an alias in it stands for itself'],
    ['aliases of aliases without end', `${HEAD}${bomb}\npaths: { /a: { get: {} } }\n`, 'Excessive alias count'],
    [
      'JSON that is nested without end',
      `{"openapi":"3.0.0","paths":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
      'nested too deeply',
    ],
    ['YAML that is nested without end', `${HEAD}paths: ${'['.repeat(20_000)}`, 'nested too deeply'],
    ['a version that is not known', 'openapi: 4.0.0\npaths: {}\n', 'its version "4.0.0" is not known'],
    ['no version', 'paths: {}\n', 'it states no version'],
    ['HTML', '<!doctype html><html></html>', 'is not an API description'],
    ['nothing', '', 'it is not a map'],
    ['no operation', `${HEAD}paths: {}\n`, 'holds no operation that a route can sell'],
  ])('refuses %s in words', async (_, text, wrong) => {
    const { code, out, err } = await init(file(text));
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(wrong);
    expect(err).not.toMatch(/at .*\.ts:|RangeError|Maximum call stack/);
  });

  it('sells the usable operations of it, and names the others', async () => {
    const { code, out, err } = await init(
      file(`${HEAD}servers:
  - { url: "https://{region}.internal.example/{base}/v2", variables: { base: { default: api } } }
paths:
  /ok: { get: {} }
  /circle: { $ref: "#/paths/~1circle" }
  /elsewhere: { $ref: "./other.yaml#/a" }
  /a/../admin: { get: {} }
  /a/%2e%2e/admin: { get: {} }
  /a//b: { get: {} }
  /{a}{b}: { get: {} }
  /__proto__: { get: { operationId: __proto__, tags: [__proto__] } }
  /constructor/{__proto__}: { get: { parameters: [{ name: __proto__, in: query, schema: { type: string } }] } }
  "/line\\nbreak: free": { get: { summary: "a\\n  price: free" } }
  /text: not a map
`),
    );
    expect(code).toBe(0);
    for (const unsold of ['/circle', '/elsewhere', '/a/../admin', '/a/%2e%2e/admin', '/a//b', '/text']) {
      expect(err).toMatch(new RegExp(`not for sale: .*${unsold.replaceAll('.', '\\.')}`));
    }
    for (const path of ['/api/v2/ok', '/api/v2/:a_b', '/api/v2/__proto__', '/api/v2/constructor/:proto']) {
      expect(out).toContain(path);
    }
    expect(out).not.toMatch(/^\s*price: free/m);
  });

  it.each([
    ['Swagger 2', '{"swagger":"2.0","info":{"title":"a","version":"1"},"basePath":"/v1","paths":{"/a":{"get":{}}}}'],
    ['JSON behind a byte order mark', '\uFEFF{"openapi":"3.1.0","servers":[{"url":"/v1"}],"paths":{"/a":{"get":{}}}}'],
    ['OpenAPI 3.0', '{"openapi":"3.0.3","servers":[{"url":"http://x/v1"}],"paths":{"/a":{"get":{}}}}'],
    ['OpenAPI 3.1 in YAML', 'openapi: 3.1.0\nservers: [{ url: /v1 }]\npaths:\n  /a:\n    get: {}\n'],
  ])('reads %s from a URL of this machine', async (_, text) => {
    const { code, out } = await withServer(text, {}, init);
    expect(code).toBe(0);
    expect(out).toContain('/v1/a');
  });

  it.each([
    ['that leads elsewhere', 302, { Location: 'http://example.com/openapi.json' }],
    ['that fails', 500, {}],
  ])('follows no URL %s', async (_, status, headers) => {
    const { code, err } = await withServer('{"openapi":"3.0.0","paths":{}}', { status, headers }, init);
    expect(code).toBe(1);
    expect(err).toContain('cannot read http://127.0.0.1');
  });

  it('reads ten megabytes of operations', async () => {
    const get = { summary: 'x'.repeat(900), responses: { 200: { description: 'ok' } } };
    const paths = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`/a/${at}`, { get }]));
    const { code, out } = await init(file(JSON.stringify({ openapi: '3.0.0', paths })));
    expect(code).toBe(0);
    expect(out.match(/^ {2}- path: /gm)).toHaveLength(10_000);
  }, 120_000);
});

async function withServer<T>(
  text: string,
  { status = 200, headers = {} }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> },
  use: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer((_, response) => response.writeHead(status, headers).end(text));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/openapi`);
  } finally {
    server.close();
  }
}
