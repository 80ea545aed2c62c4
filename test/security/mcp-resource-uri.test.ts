import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { RawSession } from '../support/mcp/session.ts';

/*
 * Other spellings of the URI of a priced resource. The server of the official SDK finds a resource by `new URL(uri).toString()`,
 * and the gateway prices the URI as it was written.
 */

let server: McpTestServer;
let gateway: TestGateway;

beforeAll(async () => {
  server = await startMcpServer();
  gateway = await startTestGateway(`upstream: ${server.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: memory
routes:
  - path: /mcp
    mcp: { resources: { "page://*": free, "page://premium*": $0.05 }, tools: { search: $0.05, "*": free } }
  - path: /rest
    mcp: { resources: { "page://premium*": $0.05 }, otherwise: free }
    rewrite: { from: /rest, to: /mcp }
`);
});

afterAll(async () => {
  await gateway.close();
  await server.close();
});

const session = (path: string): Promise<RawSession> => new RawSession(gateway.url + path).open();

describe.each(['/mcp', '/rest'])('a priced resource, on %s', (path) => {
  it.each([
    'page://pre\tmium',
    'page://pre\nmium',
    'page://pre\r\nmium',
    ' page://premium',
    '\u0001page://premium',
    'page:\t//premium',
    'page://premium ',
    '\ufeffpage://premium',
  ])('is not read by a URI with a blank or a control character: the server gets no request for %j', async (uri) => {
    const raw = await session(path);
    const [calls, bodies] = [server.calls.length, server.bodies.length];
    const answer = await raw.post({ id: 1, method: 'resources/read', params: { uri } });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'body_ambiguous',
      detail: expect.stringContaining('params.uri'),
    });
    expect([server.calls.length, server.bodies.length]).toEqual([calls, bodies]);
  });

  it.each([
    'page://%70remium',
    'page://Premium',
    'page://x/../../premium',
    'page:premium',
  ])('is not read by what is free as it is written: %j', async (uri) => {
    const raw = await session(path);
    const before = server.calls.length;
    await (await raw.post({ id: 1, method: 'resources/read', params: { uri } })).text();
    expect(server.calls.slice(before)).not.toContain('page://premium');
  });

  it('states its price, and other resources are read for nothing', async () => {
    const raw = await session(path);
    const unpaid = await raw.ask({ id: 1, method: 'resources/read', params: { uri: 'page://premium' } });
    expect(unpaid.error).toMatchObject({ code: 402, data: { accepts: [{ amount: '50000' }] } });
    const free = await raw.ask({ id: 2, method: 'resources/read', params: { uri: 'page://Cheap%20One' } });
    expect(free.result).toMatchObject({ contents: [{ text: 'a page' }] });
  });
});

it('refuses a scheme in capitals, which the server reads in small letters', async () => {
  const raw = await session('/rest');
  const before = server.calls.length;
  const answer = await raw.post({ id: 1, method: 'resources/read', params: { uri: 'PAGE://premium' } });
  expect(await answer.json()).toMatchObject({
    code: 'body_ambiguous',
    detail: 'params.uri can be read as "page://premium", which has another price. Send it in its normal form.',
  });
  expect(server.calls.slice(before)).toEqual([]);
});

it('refuses the name of a tool that a lax server takes for a priced one', async () => {
  const raw = await session('/mcp');
  const answer = await raw.post({ id: 1, method: 'tools/call', params: { name: ' Search', arguments: {} } });
  expect(await answer.json()).toMatchObject({ code: 'body_ambiguous', detail: expect.stringContaining('params.name') });
});
