import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const BIN = fileURLToPath(new URL('../../bin/turnpike.js', import.meta.url));

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
let agent: Client;

/** The official client of MCP, with our server as its child. */
async function connect(args: readonly string[], key: string | undefined): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: ['--conditions=development', BIN, 'mcp', ...args],
      env: { ...(key === undefined ? {} : { TURNPIKE_PAY_KEY: key }) },
      stderr: 'ignore',
    }),
  );
  return client;
}

async function call(
  client: Client,
  name: string,
  args: Record<string, unknown>,
): Promise<{ text: string; isError: boolean }> {
  const result = await client.callTool({ name, arguments: args });
  const [content] = result.content as { text: string }[];
  return { text: content?.text ?? '', isError: result.isError === true };
}

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  buyer = await freshPayer(devnet);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}routes:
  - { path: /v1/weather/:city, methods: [GET], price: $0.001, description: Weather of a city }
  - { path: /v1/report, methods: [POST], price: $0.05, description: A long report }
  - { path: /v1/maps/:place, methods: [GET], price: $0.001, access: { requests: 2 } }
  - { path: /v1/free, methods: [GET], price: free, description: The time }
`);
  agent = await connect([gateway.url, '--max', '$0.01', '--budget', '$0.0025'], buyer.key);
});

afterAll(async () => {
  await agent.close();
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

describe('turnpike mcp', () => {
  it('lets an agent search what a gateway sells, with prices', async () => {
    const everything = await call(agent, 'search', { query: '' });
    expect(everything.text.split('\n')).toHaveLength(4);
    const found = await call(agent, 'search', { query: 'weather' });
    expect(found).toEqual({
      text: `GET ${gateway.url}/v1/weather/{city}  0.001 USD  Weather of a city`,
      isError: false,
    });
  });

  it('says what a call costs, and pays nothing for it', async () => {
    const before = await devnet.usdcBalanceOf(buyer.address);
    const told = await call(agent, 'price', { url: `${gateway.url}/v1/weather/oslo` });
    expect(told.text).toContain('price     0.001 USDC');
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before);
  });

  it('pays no more than its limits, for one call and in total', async () => {
    const url = `${gateway.url}/v1/weather/oslo`;
    const before = await devnet.usdcBalanceOf(buyer.address);
    for (const round of [1, 2]) {
      const paid = await call(agent, 'pay', { url });
      expect(paid.isError, `${round}: ${paid.text}`).toBe(false);
      expect(paid.text).toContain('status    200\npaid      0.001 USDC');
    }
    const third = await call(agent, 'pay', { url });
    expect(third.isError).toBe(true);
    expect(third.text).toContain('not paid: the budget is used up: with 0.002 USDC spent');
    const dear = await call(agent, 'pay', { url: `${gateway.url}/v1/report`, body: '{}' });
    expect(dear.text).toContain('not paid: the price is 0.05 USDC, and it is more than --max');
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before - 2000n);
  });

  it('pays once for a pass, and comes back with it until it is used up', async () => {
    const traveller = await connect([gateway.url], buyer.key);
    const before = await devnet.usdcBalanceOf(buyer.address);
    const go = (place: string) => call(traveller, 'pay', { url: `${gateway.url}/v1/maps/${place}` });
    expect((await go('oslo')).text).toContain('paid      0.001 USDC');
    for (const place of ['bergen', 'rome']) {
      expect(await go(place)).toMatchObject({
        isError: false,
        text: expect.stringContaining('pass      bought before'),
      });
    }
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before - 1000n);
    expect((await go('paris')).text).toContain('paid      0.001 USDC');
    expect((await go('oslo')).text).toContain('pass      bought before');
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before - 2000n);
    await traveller.close();
  });

  it.each([
    ['another host', { url: 'https://elsewhere.example/x' }, 'is none of the gateways that may be bought from'],
    ['no URL', { url: 'weather' }, 'is not a URL'],
    ['no method', { url: '', method: 'CONNECT' }, 'CONNECT is no method'],
  ])('sends no request for %s', async (_, args, said) => {
    const told = await call(agent, 'pay', { ...args, url: args.url === '' ? `${gateway.url}/v1/free` : args.url });
    expect(told.isError).toBe(true);
    expect(told.text).toContain(said);
  });

  it('can ask for prices without a key, and pays nothing then', async () => {
    const poor = await connect([gateway.url], undefined);
    expect((await call(poor, 'price', { url: `${gateway.url}/v1/weather/oslo` })).text).toContain('0.001 USDC');
    expect(await call(poor, 'pay', { url: `${gateway.url}/v1/weather/oslo` })).toEqual({
      text: 'there is no key to pay with: set it, and start again',
      isError: true,
    });
    await poor.close();
  });
});
