import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { RawSession, type RpcMessage } from '../support/mcp/session.ts';

/** Calls of tools that need not be paid for: free ones of a client, and those of known customers. */

const KEY = 'k3y-of-acme-0123456789abcdef';
const HASH = createHash('sha256').update(KEY).digest('hex');

let server: McpTestServer;
let gateway: TestGateway;
let calls = 0;

beforeAll(async () => {
  server = await startMcpServer();
});

afterAll(() => server.close());

beforeEach(async () => {
  calls = server.calls.length;
  gateway = await startTestGateway(`upstream: ${server.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: memory
trustedProxies: [127.0.0.1]
routes:
  - path: /mcp
    mcp: { tools: { search: $0.001, broken: $0.001, "*": free } }
    free: { requests: 2, per: 3000d }
    keys: { header: X-Api-Key, sha256: ${HASH}, requests: 1, per: 3000d, forward: off }
`);
  return () => gateway.close();
});

async function session(headers: Readonly<Record<string, string>>): Promise<RawSession> {
  const opened = new RawSession(`${gateway.url}/mcp`);
  Object.assign(opened.headers, headers);
  return await opened.open();
}

const search = (at: RawSession, id: number): Promise<RpcMessage> =>
  at.ask({ id, method: 'tools/call', params: { name: 'search', arguments: { query: 'tea' } } });

const isServed = ({ result }: RpcMessage): boolean => result !== undefined && result.isError !== true;

describe('calls of tools on a route with free requests', () => {
  it('are served as long as the client has one left, and state the price after that', async () => {
    const mine = await session({ 'X-Forwarded-For': '192.0.2.1' });
    const answers = [await search(mine, 1), await search(mine, 2), await search(mine, 3)];
    expect(answers.map(isServed)).toEqual([true, true, false]);
    expect(answers[2]?.result?.structuredContent).toMatchObject({ x402Version: 2, accepts: [{ amount: '1000' }] });
    const other = await session({ 'X-Forwarded-For': '192.0.2.2' });
    expect(isServed(await search(other, 1))).toBe(true);
    expect(server.calls.slice(calls)).toEqual(['search', 'search', 'search']);
  });

  it('use none for lists, pings and free tools, nor for a batch, which is refused', async () => {
    const mine = await session({ 'X-Forwarded-For': '192.0.2.3' });
    for (let id = 1; id < 6; id += 1) await mine.ask({ id, method: 'tools/list' });
    expect((await mine.send(JSON.stringify([{ jsonrpc: '2.0', id: 9, method: 'ping' }]))).status).toBeGreaterThan(399);
    expect([await search(mine, 10), await search(mine, 11)].map(isServed)).toEqual([true, true]);
  });

  it('are never more, of twenty at once', async () => {
    const mine = await session({ 'X-Forwarded-For': '192.0.2.4' });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, id) => search(mine, id + 1)));
    expect(answers.filter(isServed)).toHaveLength(2);
    expect(server.calls.slice(calls)).toHaveLength(2);
  });
});

describe('calls of tools with the key of a known customer', () => {
  it('are served as often as the file says, then take the free ones, and then state the price', async () => {
    const mine = await session({ 'X-Forwarded-For': '192.0.2.5', 'X-Api-Key': KEY });
    const answers = [];
    for (let id = 1; id < 5; id += 1) answers.push(await search(mine, id));
    expect(answers.map(isServed)).toEqual([true, true, true, false]);
    expect(gateway.log.filter(({ outcome }) => outcome === 'key')).toHaveLength(1);
    expect(JSON.stringify(gateway.log)).not.toContain(KEY);
  });
});
