import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/mcp/session.ts';
import { priceIn, ToolBuyer, withPayment } from '../support/mcp/x402-client.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const RECEIPT = 'x402/payment-response';
const PIXEL = Buffer.from('iVBORw0KGgo=', 'base64');
const LARGE = 9 * 1024 * 1024;

const DESCRIPTION = {
  openapi: '3.0.3',
  info: { title: 'Weather', version: '3.2' },
  paths: {
    '/weather/{city}': {
      get: {
        operationId: 'getWeather',
        summary: 'Weather of a city',
        parameters: [
          { name: 'city', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'units', in: 'query', schema: { type: 'string', enum: ['metric', 'imperial'] } },
          { name: 'days', in: 'query', schema: { type: 'array', items: { type: 'integer' } } },
          { name: 'X-Style', in: 'header', schema: { type: 'string' } },
          { name: 'Authorization', in: 'header', schema: { type: 'string' } },
        ],
        responses: { 200: { description: 'The weather.' } },
      },
    },
    '/reports': {
      post: {
        operationId: 'make report',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Report' } } },
        },
        responses: { 200: { description: 'Made.' } },
      },
    },
    '/upload': {
      post: { requestBody: { required: true, content: { 'multipart/form-data': {} } }, responses: {} },
    },
    '/image': { get: { operationId: 'image', responses: {} } },
    '/missing': { get: { operationId: 'missing', responses: {} } },
    '/large': { get: { operationId: 'large', responses: {} } },
    '/zipped': { get: { operationId: 'zipped', responses: {} } },
    '/free': { get: { operationId: 'free', responses: {} } },
    '/unsold': { get: { operationId: 'unsold', responses: {} } },
  },
  components: {
    schemas: {
      Report: {
        type: 'object',
        properties: { title: { type: 'string', nullable: true }, parts: { $ref: '#/components/schemas/Parts' } },
      },
      Parts: { type: 'array', items: { $ref: '#/components/schemas/Report' } },
    },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'mcp-tools-'));
const bodies: string[] = [];
let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let payer: Payer;
let buyer: ToolBuyer;

async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of req) body += chunk;
  bodies.push(body);
  const [path] = (req.url ?? '').split('?');
  switch (path) {
    case '/image':
      res.setHeader('Content-Type', 'image/png').setHeader('Set-Cookie', 'session=1').end(PIXEL);
      return;
    case '/missing':
      res.writeHead(404, { 'Content-Type': 'application/json' }).end('{"error":"no such thing"}');
      return;
    case '/large':
      res.end(Buffer.alloc(LARGE, 'x'));
      return;
    case '/zipped':
      res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }).end(gzipSync('unzipped'));
      return;
    default:
      res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ path: req.url, body }));
  }
}

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => void serve(req, res))]);
  payer = await freshPayer(devnet);
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(DESCRIPTION));
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}discovery: { openapi: ${file}, mcp: true }
routes:
  - { path: /weather/:city, methods: [GET], price: $0.001, idempotent: true }
  - { path: /weather/free, methods: [GET], price: free }
  - { path: /reports, methods: [POST], price: $0.002 }
  - { path: /free, price: free }
  - { path: /unsold, price: $0.001, discovery: off }
  - { path: /*, price: $0.001 }
`);
  buyer = new ToolBuyer(await connect(gateway), payer.key);
});

afterAll(async () => {
  await buyer.client.close();
  await gateway.close();
  await Promise.all([upstream.close(), devnet.close()]);
  rmSync(folder, { recursive: true });
});

async function connect({ url }: TestGateway, headers: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return client;
}

async function spent(act: () => Promise<unknown>): Promise<bigint> {
  const before = await devnet.usdcBalanceOf(payer.address);
  await act();
  return before - (await devnet.usdcBalanceOf(payer.address));
}

const raw = (): RawSession => new RawSession(`${gateway.url}/mcp`);
const lastOf = <T>(list: readonly T[]): T | undefined => list.at(-1);

describe('priced routes as tools of the gateway', () => {
  it('are listed with their arguments and prices; what is free, unlisted, or takes files is not', async () => {
    const { tools } = await buyer.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['getWeather', 'make_report', 'image', 'missing', 'large', 'zipped']);
    const [weather, report] = tools;
    expect(weather).toMatchObject({
      description: 'Weather of a city (costs $0.001 a call)',
      inputSchema: {
        type: 'object',
        required: ['city'],
        properties: { city: { type: 'string' }, units: { enum: ['metric', 'imperial'] }, days: { type: 'array' } },
      },
      _meta: { 'x402/price': { price: '$0.001', accepts: [{ amount: '1000', network: 'eip155:84532' }] } },
    });
    expect(Object.keys(weather?.inputSchema.properties ?? {})).toEqual(['city', 'units', 'days', 'X-Style']);
    expect(report?.inputSchema).toMatchObject({
      properties: { body: { $ref: '#/$defs/schemas.Report' } },
      $defs: { 'schemas.Parts': { items: { $ref: '#/$defs/schemas.Report' } } },
    });
    expect(buyer.client.getServerVersion()).toEqual({ name: 'Weather', version: '3.2' });
    await buyer.client.ping();
  });

  it('are bought with a payment in the message: one request of the API, one payment, and its receipt', async () => {
    const asked = upstream.seen.length;
    const call = {
      name: 'getWeather',
      arguments: { city: 'São Paulo', units: 'metric', days: [1, 2], 'X-Style': 'terse' },
    };
    const unpaid = await buyer.call(call);
    expect(priceIn(unpaid)?.accepts[0]?.amount).toBe('1000');
    expect(priceIn(unpaid)?.resource?.url).toBe(`${gateway.url}/weather/S%C3%A3o%20Paulo?units=metric&days=1&days=2`);
    expect(upstream.seen.length).toBe(asked);
    let paid = unpaid;
    expect(await spent(async () => (paid = await buyer.buy(call)))).toBe(1000n);
    expect(paid.isError).toBe(false);
    expect(JSON.parse(paid.content[0]?.text ?? '').path).toBe('/weather/S%C3%A3o%20Paulo?units=metric&days=1&days=2');
    expect(paid._meta?.[RECEIPT]).toMatchObject({ success: true, transaction: expect.stringMatching(/^0x/) });
    expect(upstream.seen.length).toBe(asked + 1);
    const seen = lastOf(upstream.seen);
    expect(seen?.rawHeaders).toContain('terse');
    expect(seen?.rawHeaders.join()).not.toMatch(/mcp-|x402\/payment/i);
    expect(
      gateway.log.find(({ outcome, route }) => outcome === 'paid' && route === 'GET /weather/:city'),
    ).toBeDefined();
  });

  it('send their body in one canonical form, and never twice for one payment', async () => {
    const call = (body: object) => ({ name: 'make_report', arguments: { body } });
    const payment = await buyer.payFor(call({ title: 'Rain', parts: [] }));
    const before = bodies.length;
    expect(
      await spent(async () => {
        const paid = await buyer.call(withPayment(call({ parts: [], title: 'Rain' }), payment));
        expect(JSON.parse(paid.content[0]?.text ?? '').body).toBe('{"parts":[],"title":"Rain"}');
        const again = buyer.call(withPayment(call({ title: 'Rain', parts: [] }), payment));
        await expect(again).rejects.toMatchObject({ data: { code: 'payment_already_used' } });
        const other = buyer.call(withPayment(call({ title: 'Sun' }), payment));
        await expect(other).rejects.toMatchObject({ data: { code: expect.stringMatching(/^payment_/) } });
      }),
    ).toBe(2000n);
    expect(bodies.length).toBe(before + 1);
  });

  it('are charged once for fifty copies of one payment', async () => {
    const call = { name: 'getWeather', arguments: { city: 'Oslo' } };
    const payment = await buyer.payFor(call);
    const asked = upstream.seen.length;
    const copies = () => Promise.allSettled(Array.from({ length: 50 }, () => buyer.call(withPayment(call, payment))));
    expect(await spent(copies)).toBe(1000n);
    expect(upstream.seen.length).toBe(asked + 1);
  });

  it('refuse a payment already used for the same request over HTTP', async () => {
    const call = { name: 'getWeather', arguments: { city: 'Rome' } };
    const payment = await buyer.payFor(call);
    const header = Buffer.from(JSON.stringify(payment)).toString('base64');
    const over = await fetch(`${gateway.url}/weather/Rome`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(over.status).toBe(200);
    await over.text();
    await expect(buyer.call(withPayment(call, payment))).rejects.toMatchObject({
      data: { code: 'payment_already_used' },
    });
  });

  it('cost nothing where the API refuses, which the result says', async () => {
    const call = { name: 'missing', arguments: {} };
    expect(
      await spent(async () => {
        const failed = await buyer.buy(call);
        expect(failed).toMatchObject({
          isError: true,
          content: [{ text: 'HTTP 404' }, { text: '{"error":"no such thing"}' }],
        });
        expect(failed._meta?.[RECEIPT]).toBeUndefined();
      }),
    ).toBe(0n);
  });

  it('return images as images, text decompressed, and no cookies', async () => {
    expect((await buyer.buy({ name: 'image', arguments: {} })).content).toEqual([
      { type: 'image', data: PIXEL.toString('base64'), mimeType: 'image/png' },
    ]);
    expect((await buyer.buy({ name: 'zipped', arguments: {} })).content).toEqual([{ type: 'text', text: 'unzipped' }]);
    const answer = await raw().post({ id: 1, method: 'tools/call', params: { name: 'image' } });
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  it('with an answer too large for a message are collected over HTTP with the same payment', async () => {
    const call = { name: 'large', arguments: {} };
    const payment = await buyer.payFor(call);
    expect(
      await spent(async () => {
        const cut = await buyer.call(withPayment(call, payment));
        expect(cut.isError).toBe(true);
        expect(cut.content[0]?.text).toContain(`send the same payment to ${gateway.url}/large`);
        const header = Buffer.from(JSON.stringify(payment)).toString('base64');
        const collected = await fetch(`${gateway.url}/large`, { headers: { 'PAYMENT-SIGNATURE': header } });
        expect([collected.status, (await collected.arrayBuffer()).byteLength]).toEqual([200, LARGE]);
      }),
    ).toBe(1000n);
  });

  it('are sold to clients that pay by HTTP, who get the receipt in the head, too', async () => {
    const params = { name: 'getWeather', arguments: { city: 'Bern' } };
    const required = priceIn(await buyer.call(params));
    if (required === undefined) throw new Error('no price');
    const send = (payment: string) =>
      raw().post(
        { id: 1, method: 'tools/call', params },
        { headers: { ...raw().headers, 'PAYMENT-SIGNATURE': payment } },
      );
    const refused = await send('e30=');
    expect([refused.status, refused.headers.has('payment-required')]).toEqual([400, true]);
    const paid = await send(Buffer.from(JSON.stringify(await buyer.pay(required))).toString('base64'));
    expect([paid.status, paid.headers.has('payment-response')]).toEqual([200, true]);
    expect(await paid.json()).toMatchObject({
      id: 1,
      result: { isError: false, _meta: { [RECEIPT]: { success: true } } },
    });
  });
});

describe('the protocol of the tools', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('is spoken as of %s', async (protocolVersion) => {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'old', version: '1' } };
    const begun = await raw().ask({ id: 'a', method: 'initialize', params });
    expect(begun.result).toMatchObject({ protocolVersion, capabilities: { tools: {} } });
    const told = await raw().post({ method: 'notifications/initialized' });
    expect([told.status, await told.text()]).toEqual([202, '']);
  });

  it('is spoken as of 2026-07-28, without a handshake', async () => {
    const meta = (version: string) => ({
      _meta: { 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientCapabilities': {} },
    });
    const found = await raw().ask({ id: 1, method: 'server/discover', params: meta('2026-07-28') });
    expect(found.result).toMatchObject({
      resultType: 'complete',
      supportedVersions: expect.arrayContaining(['2026-07-28']),
    });
    const listed = await raw().ask({ id: 2, method: 'tools/list', params: meta('2026-07-28') });
    expect(listed.result).toMatchObject({ resultType: 'complete', tools: expect.any(Array) });
    const later = await raw().ask({ id: 3, method: 'tools/list', params: meta('2030-01-01') });
    expect(later.error).toMatchObject({ code: -32022, data: { requested: '2030-01-01' } });
  });

  it('answers a version that it does not speak with its latest, and refuses it as a header', async () => {
    const begun = await raw().ask({ id: 1, method: 'initialize', params: { protocolVersion: '1999-01-01' } });
    expect(begun.result).toMatchObject({ protocolVersion: '2025-11-25' });
    const headers = { ...raw().headers, 'mcp-protocol-version': '1999-01-01' };
    expect((await raw().post({ id: 1, method: 'ping' }, { headers })).status).toBe(400);
  });

  it('has neither streams nor sessions', async () => {
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const answer = await fetch(`${gateway.url}/mcp`, { method, headers: { accept: 'text/event-stream' } });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });

  it('gives a large list in pages', async () => {
    const routes = Array.from(
      { length: 250 },
      (_, index) => `  - { path: /v1/tool-${index}, methods: [GET], price: $0.001 }`,
    );
    const many = await startTestGateway(`${settings(devnet, upstream.url)}discovery: { mcp: true }
routes:
${routes.join('\n')}
  - { path: "/files/*", price: $0.002, description: Files }
`);
    const client = await connect(many);
    try {
      const names: string[] = [];
      let cursor: string | undefined;
      let pages = 0;
      do {
        const page = await client.listTools(cursor === undefined ? {} : { cursor });
        names.push(...page.tools.map(({ name }) => name));
        cursor = page.nextCursor;
        pages += 1;
      } while (cursor !== undefined);
      expect([pages, new Set(names).size]).toEqual([3, 251]);
      expect(names.slice(249)).toEqual(['GET_v1_tool-249', 'files_rest']);
      await expect(client.listTools({ cursor: '-1' })).rejects.toMatchObject({ code: -32602 });
    } finally {
      await client.close();
      await many.close();
    }
  });
});

describe('routes without a description', () => {
  it('are tools with a method, a query and a body, each call at its own price; passes and MCP servers work beside them', async () => {
    const open = await startTestGateway(`${settings(devnet, upstream.url)}discovery: { mcp: true }
routes:
  - path: /files/*
    methods: [GET, POST]
    prices:
      - { when: { method: POST }, price: $0.002 }
      - price: $0.001
  - { path: /pass, methods: [GET], price: $0.001, access: { for: 1h } }
  - { path: /server, mcp: { tools: { search: $0.001 } } }
`);
    const client = await connect(open);
    const shopper = new ToolBuyer(client, payer.key);
    try {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(['files_rest', 'GET_pass']);
      expect(tools[0]?._meta?.['x402/price']).toMatchObject({ price: 'up to $0.002' });
      const args = {
        method: 'POST',
        rest: 'a/b c',
        query: { q: 'x y', n: 7 },
        body: { b: 1, a: 12345678901234567000 },
      };
      const post = await shopper.buy({ name: 'files_rest', arguments: args });
      expect(JSON.parse(post.content[0]?.text ?? '').path).toBe('/files/a/b%20c?q=x%20y&n=7');
      const bare = await shopper.call({ name: 'files_rest', arguments: {} });
      expect(priceIn(bare)?.accepts[0]?.amount).toBe('1000');
      expect(priceIn(bare)?.resource?.url).toBe(`${open.url}/files`);
      const bought = await shopper.buy({ name: 'GET_pass', arguments: {} });
      const receipt = bought._meta?.[RECEIPT] as { extensions?: Record<string, { info?: { token?: string } }> };
      const token = receipt.extensions?.['access-pass']?.info?.token ?? '';
      const holder = await connect(open, { 'x402-access-token': token });
      const free = (await holder.callTool({ name: 'GET_pass', arguments: {} })) as { isError?: boolean };
      expect(free.isError).toBe(false);
      await holder.close();
      expect(await (await stockFetch(payer.key)(`${open.url}/llms.txt`)).text()).toContain('/mcp');
    } finally {
      await client.close();
      await open.close();
    }
  });

  it('cannot be tools when a route has the path of the tools', async () => {
    const start = startTestGateway(`${settings(devnet, upstream.url)}discovery: { mcp: true }
routes: [{ path: /mcp, price: $0.001 }]
`);
    await expect(start).rejects.toThrow('mcp: true takes /mcp, which is the path of');
  });
});
