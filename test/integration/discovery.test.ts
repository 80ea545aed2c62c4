import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startOfficialFacilitator } from '../support/official-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-discovery-'));
let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  buyer = await freshPayer(devnet);
  const description = join(folder, 'openapi.json');
  const operation = { summary: 'A report', responses: { 200: { description: 'The report.' } } };
  const paths = { '/reports/{id}': { get: operation }, '/internal': { get: operation } };
  writeFileSync(description, JSON.stringify({ swagger: '2.0', info: { title: 'Reports', version: '1' }, paths }));
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}discovery: { openapi: ${description} }
routes:
  - { path: /reports/:id, methods: [GET], price: $0.001 }
  - { path: /llms.txt, price: free }
  - { path: /*, price: $0.5 }
`,
  );
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
  rmSync(folder, { recursive: true });
});

describe('the catalogue of the official facilitator', () => {
  it('lists a route by its template once it was paid for, and the gateway takes note of it', async () => {
    const official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
    const selling = await startTestGateway(
      `${settings(devnet, upstream.url, { kind: 'remote', url: official.url })}discovery: { title: Reports, tags: [reports] }
routes:
  - { path: /reports/:id, methods: [GET, POST], price: $0.001, description: A report }
`,
    );
    try {
      const bought = await stockFetch(buyer.key)(`${selling.url}/reports/seven%20eight`);
      expect({ status: bought.status, internal: bought.headers.has('extension-responses') }).toEqual({
        status: 200,
        internal: false,
      });
      expect(official.catalogue).toMatchObject([
        {
          resourceUrl: `${selling.url}/reports/:id`,
          routeTemplate: '/reports/:id',
          method: 'GET',
          description: 'A report',
          serviceName: 'Reports',
          tags: ['reports'],
          discoveryInfo: { input: { type: 'http', method: 'GET', pathParams: { id: 'seven eight' } } },
        },
      ]);
      expect(selling.log.at(-1)).toMatchObject({ outcome: 'paid', catalogued: 'success' });
    } finally {
      await Promise.all([selling.close(), official.close()]);
    }
  });
});

describe('turnpike listed', () => {
  it('says which routes a catalogue lists and which need one paid call, made by pay --register', async () => {
    const official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
    const text = `${settings(devnet, upstream.url, { kind: 'remote', url: official.url })}routes:
  - { path: /reports/:id, methods: [GET], price: $0.001 }
  - { path: /jobs, methods: [POST], price: $0.001 }
  - { path: /free, price: free }
`;
    const selling = await startTestGateway(text);
    const file = join(folder, 'listed.yaml');
    writeFileSync(file, text);
    const standings = async () => {
      const { out } = await cli(['listed', '-c', file, '--json']);
      const { routes, troubles } = JSON.parse(out) as {
        routes: { route: string; status: string }[];
        troubles: string[];
      };
      return [...routes.map(({ route, status }) => `${route}: ${status}`), ...troubles];
    };
    try {
      expect(await standings()).toEqual(['GET /reports/:id: not listed', 'POST /jobs: not listed']);
      const env = { TURNPIKE_PAY_KEY: buyer.key };
      const paid = await cli(['pay', '--register', '--yes', '-d', '{}', `${selling.url}/jobs`], env);
      expect(paid.code, paid.err).toBe(0);
      expect(await standings()).toEqual(['GET /reports/:id: not listed', 'POST /jobs: listed']);
      expect((await cli(['pay', '--register', '--yes', `${selling.url}/reports/7`], env)).code).toBe(0);
      expect(await standings()).toEqual(['GET /reports/:id: listed', 'POST /jobs: listed']);
    } finally {
      await Promise.all([selling.close(), official.close()]);
    }
    const gone = await cli(['listed', '-c', file]);
    expect([gone.code, gone.out]).toEqual([1, expect.stringMatching(/^unknown .*reports/)]);
    expect(gone.err).toContain('ECONNREFUSED');
  });

  it('leads to no payment for a route that is not announced to a catalogue', async () => {
    const quiet = await startTestGateway(
      `${settings(devnet, upstream.url)}discovery: { bazaar: false }\nroutes:\n  - { path: /jobs, price: $0.001 }\n`,
    );
    const before = await devnet.usdcBalanceOf(buyer.address);
    const run = await cli(['pay', '--register', '--yes', `${quiet.url}/jobs`], { TURNPIKE_PAY_KEY: buyer.key });
    expect(run.code).toBe(1);
    expect(run.err).toContain('the 402 has no bazaar extension');
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before);
    await quiet.close();
  });
});

/** An agent that knows nothing but a host: it reads, chooses a priced operation, fills in its parameters, and pays. */
async function buyAsAgent(
  host: string,
  { key }: Payer,
): Promise<{ readonly stated: unknown; readonly answer: Response }> {
  const text = await (await fetch(`${host}/llms.txt`)).text();
  const [, method = '', template = ''] = /^- \[(GET) (\S+)\]\([^)]*\): \$/m.exec(text) ?? [];
  const [document = ''] = /\S*\/openapi\.json/.exec(text) ?? [];
  const described: unknown = await (await fetch(new URL(document, host))).json();
  const operation = [`paths`, template, method.toLowerCase()].reduce(memberOf, described);
  const stated = memberOf(memberOf(operation, 'x-payment-info'), 'price');
  const path = template.replace(/\{[^}]*\}/g, '7');
  return { stated, answer: await stockFetch(key)(new URL(path, host), { method }) };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** Runs a command in this process. */
async function cli(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signals = new EventEmitter();
  const terminal: Terminal = {
    stdin: Object.assign(stdin, { isTTY: false }),
    stdout,
    stderr,
    env: { ...env, TURNPIKE_PUBLIC_NODES: 'off' },
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
  };
  const code = await run(argv, terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

describe('the discovery documents', () => {
  it('lead an agent that knows only the host to a paid answer, through llms.txt and the linked description', async () => {
    const selling = await startTestGateway(
      `${settings(devnet, upstream.url)}discovery: { openapi: ${join(folder, 'openapi.json')} }
routes:
  - { path: /health, price: free }
  - { path: /reports/:id, methods: [GET], price: $0.003 }
`,
    );
    try {
      const before = await devnet.usdcBalanceOf(buyer.address);
      const { stated, answer } = await buyAsAgent(selling.url, buyer);
      expect(stated).toEqual({ mode: 'fixed', amount: '0.003', currency: 'USD' });
      expect({ status: answer.status, receipt: answer.headers.has('payment-response') }).toEqual({
        status: 200,
        receipt: true,
      });
      expect(before - (await devnet.usdcBalanceOf(buyer.address))).toBe(3000n);
    } finally {
      await selling.close();
    }
  });

  it('win over a wildcard, and cost nothing', async () => {
    const answer = await fetch(`${gateway.url}/.well-known/x402`, { headers: { Origin: 'https://agent.example' } });
    expect({
      status: answer.status,
      type: answer.headers.get('content-type'),
      cache: answer.headers.get('cache-control'),
      cors: answer.headers.get('access-control-allow-origin'),
    }).toEqual({ status: 200, type: 'application/json', cache: 'public, max-age=60', cors: '*' });
    expect(gateway.log.at(-1)).toMatchObject({ outcome: 'discovery', status: 200 });
  });

  it('give way to a route of exactly their path', async () => {
    const seen = upstream.seen.length;
    expect((await fetch(`${gateway.url}/llms.txt`)).status).toBe(200);
    expect(upstream.seen.slice(seen).map(({ url }) => url)).toEqual(['/llms.txt']);
  });

  it('are read only: another method is priced as the routes say', async () => {
    expect((await fetch(`${gateway.url}/openapi.json`, { method: 'POST' })).status).toBe(402);
    const head = await fetch(`${gateway.url}/openapi.json`, { method: 'HEAD' });
    expect({ status: head.status, body: await head.text() }).toEqual({ status: 200, body: '' });
  });

  it('are not there where the configuration turns them off', async () => {
    const off = await startTestGateway(
      `${settings(devnet, upstream.url)}discovery: off\nroutes:\n  - { path: /reports/:id, price: $0.001 }\n`,
    );
    try {
      expect((await fetch(`${off.url}/openapi.json`)).status).toBe(404);
    } finally {
      await off.close();
    }
  });

  it('are linked from the 402', async () => {
    const answer = await fetch(`${gateway.url}/reports/1`);
    expect({ status: answer.status, link: answer.headers.get('link') }).toEqual({
      status: 402,
      link: '</openapi.json>; rel="service-desc"',
    });
  });
});
