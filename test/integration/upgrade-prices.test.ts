import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, crlf } from '../support/raw-http.ts';

/*
 * WebSockets to an API that serves them at the paths of its HTTP calls, as GraphQL servers and nodes of chains do. What is
 * said in one is not seen.
 */

const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

let opened: string[];
let api: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  api = await openOddUpstream(async (peer) => {
    const head = await peer.until('\r\n\r\n');
    opened.push(head.split(' ')[1] ?? '');
    peer.send(ACCEPTED);
  });
  gateway = await startTestGateway(`upstream: http://127.0.0.1:${api.port}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: memory
routes:
  - path: /graphql
    prices: [{ when: { graphql: { field: cheap } }, price: free }, { when: { graphql: { field: dear } }, price: $0.01 }]
  - path: /rpc
    prices: [{ when: { jsonrpc: "cheap*" }, price: free }, { when: { jsonrpc: "dear*" }, price: $0.01 }]
  - path: /json
    prices: [{ when: { json: { /model: dear } }, price: $0.01 }, { price: free }]
  - path: /sold
    prices: [{ when: { header: { Sec-WebSocket-Key: present } }, price: $1 }, { when: { jsonrpc: "*" }, price: $0.01 }]
  - path: /all-free
    prices: [{ when: { jsonrpc: "a*" }, price: free }, { price: free }]
  - path: /head
    prices: [{ when: { query: { tier: dear } }, price: $0.01 }, { price: free }]
  - path: /tried
    enforce: off
    prices: [{ when: { jsonrpc: "cheap*" }, price: free }, { when: { jsonrpc: "dear*" }, price: $0.01 }]
  - path: /tried-mcp
    enforce: off
    mcp: { tools: { search: $0.01 }, otherwise: free }
  - path: /mcp
    mcp: { tools: { search: $0.01 }, otherwise: free }
`);
});

afterAll(async () => {
  await gateway.close();
  await api.close();
});

beforeEach(() => {
  opened = [];
});

async function statusOf(target: string): Promise<number> {
  const peer = await connectRaw(Number(new URL(gateway.url).port));
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const fields = ['Host: a', 'Upgrade: websocket', 'Connection: Upgrade', key, 'Sec-WebSocket-Version: 13'];
  peer.send(crlf([`GET ${target} HTTP/1.1`, ...fields, '', '']));
  const head = await peer.until('\r\n\r\n');
  peer.socket.destroy();
  return Number(head.split(' ')[1]);
}

describe('A WebSocket', () => {
  it.each([
    '/graphql',
    '/graphql?query={cheap}',
    '/rpc',
    '/json',
    '/mcp',
  ])('is refused at %s, where each message has a price', async (target) => {
    expect([await statusOf(target), opened]).toEqual([400, []]);
  });

  it.each(['/all-free', '/head'])('is opened at %s, where no message costs anything', async (target) => {
    expect([await statusOf(target), opened]).toEqual([101, [target]]);
  });

  it.each(['/tried', '/tried-mcp'])('is opened at %s, where prices are only tried', async (target) => {
    expect([await statusOf(target), opened]).toEqual([101, [target]]);
  });

  it.each(['/sold', '/head?tier=dear'])('has a price at %s, where its head decides', async (target) => {
    expect([await statusOf(target), opened]).toEqual([402, []]);
  });
});
