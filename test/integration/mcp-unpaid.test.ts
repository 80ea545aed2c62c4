import { createHash } from 'node:crypto';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Payer } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { priceOf, RawSession, type RpcMessage } from '../support/mcp/session.ts';
import { declaredIn, signDeclared } from '../support/sign-in.ts';

/** Calls of tools that need no payment: free ones of a client, and those of known customers. */

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
  - path: /accounts
    mcp: { tools: { search: $0.001, "*": free } }
    free: { requests: 2, per: 3000d, by: payer }
    rewrite: { from: /accounts, to: /mcp }
`);
  return () => gateway.close();
});

async function session(headers: Readonly<Record<string, string>>, path = '/mcp'): Promise<RawSession> {
  const opened = new RawSession(gateway.url + path);
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

  it('are never more than the quota, of twenty at once', async () => {
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

describe('calls of tools on a route with free requests of each account', () => {
  const SIGN_IN = 'sign-in-with-x';

  /** Signs in for the next call, by what the price of one declares. */
  async function signIn(at: RawSession, account: Payer): Promise<string> {
    delete at.headers[SIGN_IN];
    const { extensions } = priceOf(await search(at, 99)) as { extensions?: Record<string, unknown> };
    const signed = await signDeclared(account, declaredIn(extensions));
    at.headers[SIGN_IN] = signed;
    return signed;
  }

  it('are served as often as the account signs in for one and has one left, in whatever session', async () => {
    const [account, one, two] = [newAccount(), await session({}, '/accounts'), await session({}, '/accounts')];
    const answers = [];
    for (const at of [one, two, one]) {
      await signIn(at, account);
      answers.push(await search(at, 1));
    }
    expect(answers.map(isServed)).toEqual([true, true, false]);
    expect(answers[2]?.result?.structuredContent).toMatchObject({ accepts: [{ amount: '1000' }] });
    await signIn(one, newAccount());
    expect(isServed(await search(one, 2))).toBe(true);
    expect(gateway.log.filter(({ outcome }) => outcome === 'free_quota')).toHaveLength(3);
  });

  it('are served once for a sign-in, of twenty copies at once and of later copies', async () => {
    const [mine, account] = [await session({}, '/accounts'), newAccount()];
    const signed = await signIn(mine, account);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, id) => search(mine, id + 1)));
    expect(answers.filter(isServed)).toHaveLength(1);
    expect(priceOf(await search(mine, 21))['error']).toBe('invalid_siwx_nonce');
    await signIn(mine, account);
    expect(isServed(await search(mine, 22))).toBe(true);
    mine.headers[SIGN_IN] = signed;
    expect(isServed(await search(mine, 23))).toBe(false);
    expect(server.calls.slice(calls)).toEqual(['search', 'search']);
  });

  it('use no sign-in when they cost nothing, so that it stays valid', async () => {
    const mine = await session({}, '/accounts');
    await signIn(mine, newAccount());
    await mine.ask({ id: 1, method: 'tools/list' });
    expect(isServed(await mine.callTool(2, { name: 'free_time', arguments: {} }))).toBe(true);
    expect(isServed(await search(mine, 3))).toBe(true);
  });

  it('state the price when the sign-in is for another route', async () => {
    const mine = await session({}, '/accounts');
    const account = newAccount();
    const { extensions } = priceOf(await search(mine, 1)) as { extensions?: Record<string, unknown> };
    mine.headers[SIGN_IN] = await signDeclared(account, declaredIn(extensions), { uri: `${gateway.url}/mcp` });
    expect(isServed(await search(mine, 2))).toBe(false);
    expect(server.calls.slice(calls)).toEqual([]);
  });
});

function newAccount(): Payer {
  const key = generatePrivateKey();
  return { key, address: privateKeyToAccount(key).address };
}
