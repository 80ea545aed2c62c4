import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/mcp/session.ts';
import { ToolBuyer, withPayment } from '../support/mcp/x402-client.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * Tools that stand for priced routes, called so that another request of the API comes of it than the tool's, or by somebody
 * who is not their client.
 */

const DESCRIPTION = {
  openapi: '3.1.0',
  info: { title: 'Weather', version: '1' },
  paths: {
    '/weather/{city}': {
      get: {
        operationId: 'getWeather',
        parameters: [
          { name: 'city', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'units', in: 'query', schema: { type: 'string' } },
          { name: 'X-Style', in: 'header', schema: { type: 'string' } },
          { name: 'Authorization', in: 'header', schema: { type: 'string' } },
        ],
        responses: { 200: { description: 'The weather.' } },
      },
    },
    '/image': { get: { operationId: 'image', responses: {} } },
    '/missing': { get: { operationId: 'missing', responses: {} } },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'mcp-tools-'));
let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: ToolBuyer;
let top: string;

beforeAll(async () => {
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream()]);
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(DESCRIPTION));
  top = `upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
`;
  gateway = await startTestGateway(`${top}discovery: { openapi: ${file}, mcp: true }
routes:
  - { path: /weather/:city, methods: [GET], price: $0.001 }
  - { path: /weather/free, methods: [GET], price: free }
  - { path: /*, price: $0.001 }
`);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`)) as Parameters<Client['connect']>[0],
  );
  buyer = new ToolBuyer(client, generatePrivateKey());
});

afterAll(async () => {
  await buyer.client.close();
  await gateway.close();
  await Promise.all([upstream.close(), facilitator.close()]);
  rmSync(folder, { recursive: true });
});

const raw = (): RawSession => new RawSession(`${gateway.url}/mcp`);
const lastOf = <T>(list: readonly T[]): T | undefined => list.at(-1);

describe('hostile calls of tools', () => {
  it.each([
    ['..', { city: '..' }],
    ['an encoded ..', { city: '%2e%2e' }],
    ['a path', { city: '../reports' }],
    ['a slash', { city: 'a/b' }],
    ['nothing', { city: '' }],
    ['null', { city: null }],
    ['a backslash', { city: 'a\\b' }],
    ['a line feed', { city: 'a\nHost: b' }],
    ['an object', { city: { a: 1 } }],
    ['another route, although that one is free', { city: 'free' }],
    ['an unknown argument', { city: 'Oslo', path: '/free' }],
    ['a prototype', JSON.parse('{"city":"Oslo","__proto__":{"x":1}}')],
    ['a header with a line feed', { city: 'Oslo', 'X-Style': 'a\r\nX402-Payer: 0x1' }],
    ['an argument that is the API’s login', { city: 'Oslo', Authorization: 'Bearer x' }],
  ])('do not leave their route by %s', async (_, args) => {
    const asked = upstream.seen.length;
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'getWeather', arguments: args },
    });
    const answer = (await (await raw().send(body)).json()) as {
      result: { isError: boolean; structuredContent?: object };
    };
    expect(answer.result.isError).toBe(true);
    expect(answer.result.structuredContent).toBeUndefined();
    expect(upstream.seen.length).toBe(asked);
  });

  it('keep special characters of an argument inside its own value of the path or query', async () => {
    const paid = await buyer.buy({ name: 'getWeather', arguments: { city: 'Oslo?x=1#y', units: 'a&admin=1#' } });
    expect(JSON.parse(paid.content[0]?.text ?? '').path).toBe('/weather/Oslo%3Fx%3D1%23y?units=a%26admin%3D1%23');
  });

  it.each([
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"image"}}]', 400],
    ['no id', '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"image"}}', 400],
    ['two names', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"image","name":"missing"}}', 400],
    ['no JSON', 'tools/call', 400],
    [
      'half a character',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getWeather","arguments":{"city":"\\ud800"}}}',
      400,
    ],
    [
      'arguments that are a list',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"image","arguments":[]}}',
      200,
    ],
    ['an unknown tool', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"constructor"}}', 200],
    ['a resource', '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///etc/passwd"}}', 200],
    ['a task', '{"jsonrpc":"2.0","id":1,"method":"tasks/list"}', 200],
  ])('get an error, and nothing is sent to the API: %s', async (_, body, status) => {
    const asked = upstream.seen.length;
    const answer = await raw().send(body);
    expect(answer.status).toBe(status);
    if (status === 200) expect(await answer.json()).toMatchObject({ id: 1, error: { code: expect.any(Number) } });
    expect(upstream.seen.length).toBe(asked);
  });

  it('of pages of other origins are refused, also after DNS rebinding', async () => {
    const send = (headers: Record<string, string>) =>
      raw().post({ id: 1, method: 'ping' }, { headers: { ...raw().headers, ...headers } });
    expect((await send({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await send({ origin: 'null' })).status).toBe(403);
    expect((await send({ origin: gateway.url })).status).toBe(200);
    // The name evil.example leads to this address: fetch cannot send another Host, so a trusted proxy states it.
    const proxied = await startTestGateway(`trustedProxies: [127.0.0.1]
${top}discovery: { mcp: true }
routes: [{ path: /a, price: $0.001 }]
`);
    try {
      const rebound = { 'x-forwarded-host': 'evil.example', origin: 'http://evil.example' };
      const session = new RawSession(`${proxied.url}/mcp`);
      const answer = await session.post({ id: 1, method: 'ping' }, { headers: { ...session.headers, ...rebound } });
      expect(answer.status).toBe(403);
    } finally {
      await proxied.close();
    }
  });

  it('bring no cookie of a browser to the API', async () => {
    const headers = { ...raw().headers, cookie: 'session=victim', 'x-api-key': 'mine' };
    const params = { name: 'getWeather', arguments: { city: 'Oslo' } };
    const payment = await buyer.payFor(params);
    await (await raw().post({ id: 1, method: 'tools/call', params: withPayment(params, payment) }, { headers })).text();
    const seen = lastOf(upstream.seen)?.rawHeaders ?? [];
    expect([seen.includes('mine'), seen.join().includes('victim')]).toEqual([true, false]);
  });
});
