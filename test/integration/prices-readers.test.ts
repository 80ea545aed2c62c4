import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BodyTrick, bodyTricks } from '../support/body-tricks.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OpenReaders, openReaders, READERS } from '../support/readers/readers.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * Every condition against every trick with bodies: what the API gets unpaid, and what a 402 asks for, is held against what
 * readers of JSON find in the same bytes. At no time does one of them find something dearer.
 */

const DEAR = 10_000;
/** Compilers take their time on a busy machine. */
const COMPILING_MS = 600_000;
const BOT = 'curl/8.5';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36';

let upstream: TestUpstream;
let gateway: TestGateway;
let agent: Agent;
let readers: OpenReaders;
let got: Buffer | undefined;

beforeAll(async () => {
  const api = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    got = await buffer(req);
    res.end('served');
  };
  [upstream, readers] = await Promise.all([startUpstream((req, res) => void api(req, res), 0), openReaders()]);
  agent = new Agent({ connections: 1 });
  const priced = (path: string, when: (which: string) => string): string => `
  - path: ${path}
    prices: [{ when: ${when('cheap')}, price: free }, { when: ${when('dear')}, price: $0.01 }]`;
  gateway = await startTestGateway(`upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: memory
limits: { pricedBodyBytes: 4KB }
routes:${priced('/json', (which) => `{ json: { /model: ${which} } }`)}${priced('/rpc', (which) => `{ jsonrpc: ${which} }`)}${priced('/graphql', (which) => `{ graphql: { field: ${which} } }`)}${priced('/header', (which) => `{ header: { X-Tier: ${which} } }`)}${priced('/query', (which) => `{ query: { tier: ${which} } }`)}${priced('/method', (which) => `{ method: ${which === 'cheap' ? 'PUT' : 'POST'} }`)}${priced('/agent', (which) => `{ agent: ${which === 'cheap' ? 'browser' : 'bot'} }`)}
`);
}, COMPILING_MS);

afterAll(async () => {
  await readers.close();
  await agent.destroy();
  await gateway.close();
  await upstream.close();
});

interface Asked {
  readonly path: string;
  readonly method?: 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a body costs, in atomic units; `refused` where nothing of it goes on. What is free has reached the API as it was sent. */
async function costOf({ path, method = 'POST', headers = {} }: Asked, bytes: Buffer): Promise<number | 'refused'> {
  got = undefined;
  const {
    statusCode,
    headers: answered,
    body,
  } = await agent.request({
    origin: gateway.url,
    path,
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: bytes,
  });
  await body.dump();
  if (statusCode === 200) {
    expect(got).toEqual(bytes);
    return 0;
  }
  expect(got).toBeUndefined();
  if (statusCode !== 402) {
    expect([400, 413]).toContain(statusCode);
    return 'refused';
  }
  const [offer] = decodePaymentRequiredHeader(String(answered['payment-required'])).accepts;
  return Number(offer?.amount);
}

/** Conditions of the body: where its value is, what is cheap and what is dear, and how a trick stands in a request. */
const OF_BODY: readonly {
  readonly condition: string;
  readonly path: string;
  readonly key: string;
  readonly tricks: readonly BodyTrick[];
  /** How many cheap calls stand beside the trick; 0: it stands alone. */
  readonly besides: number;
}[] = [
  { condition: 'a JSON pointer', path: '/json', key: 'model', tricks: bodyTricks(), besides: 0 },
  { condition: 'a JSON-RPC method', path: '/rpc', key: 'method', tricks: bodyTricks('method'), besides: 0 },
  { condition: 'JSON-RPC methods of a batch', path: '/rpc', key: 'method', tricks: bodyTricks('method'), besides: 1 },
  {
    condition: 'a GraphQL field',
    path: '/graphql',
    key: 'query',
    tricks: bodyTricks('query', '{ cheap }', '{ dear }'),
    besides: 0,
  },
  {
    condition: 'GraphQL fields of a batch',
    path: '/graphql',
    key: 'query',
    tricks: bodyTricks('query', '{ cheap }', '{ dear }'),
    besides: 1,
  },
];

const cheapCall = (key: string): string => JSON.stringify({ [key]: key === 'query' ? '{ cheap }' : 'cheap' });

function inBatch(key: string, { bytes }: BodyTrick): Buffer {
  return Buffer.concat([Buffer.from(`[${cheapCall(key)},`), bytes, Buffer.from(']')]);
}

/** What a value costs that a reader found. What has no price must not go on at all. */
function priceOf(value: string | null): number {
  if (value === 'cheap' || value === '{ cheap }') return 0;
  return value === 'dear' || value === '{ dear }' ? DEAR : Number.POSITIVE_INFINITY;
}

describe.each(OF_BODY)('a body that is priced by $condition', ({ path, key, tricks, besides }) => {
  const taken: { readonly name: string; readonly bytes: Buffer; readonly cost: number }[] = [];

  it('is priced as it should be, or refused, whatever the trick', async () => {
    for (const trick of tricks) {
      const bytes = besides === 0 ? trick.bytes : inBatch(key, trick);
      const cost = await costOf({ path }, bytes);
      const price = priceOf(trick.model);
      // A list is one more level.
      const isTooDeep = besides > 0 && trick.name === 'nested 64 deep';
      const expected = Number.isFinite(price) && !isTooDeep ? price : 'refused';
      expect(cost, trick.name).toBe(expected);
      if (cost !== 'refused') taken.push({ name: trick.name, bytes, cost });
    }
    expect(taken.length).toBeGreaterThan(5);
    expect(taken.length).toBeLessThan(tricks.length);
  });

  for (const name of READERS) {
    it(`is not a dearer request for ${name}`, async ({ skip }) => {
      const read = readers.known.get(name);
      if (read === undefined) return skip(`there is no ${name} here`);
      const bodies = taken.map(({ bytes }) => bytes);
      const readings = await read(key, bodies);
      taken.forEach(({ name: trick, cost }, index) => {
        for (const values of readings[index] ?? []) {
          const price = values.reduce((sum, value) => sum + priceOf(value), 0);
          expect(price, `${trick}: ${JSON.stringify(values)}`).toBeLessThanOrEqual(cost);
        }
      });
      // A reader that refuses everything would prove nothing.
      expect(readings.filter((found) => found.length > 0).length).toBeGreaterThan(5);
    });
  }
});

/** Conditions of the head: no body makes anything of them. */
const OF_HEAD: readonly { readonly condition: string; readonly cheap: Asked; readonly dear: Asked }[] = [
  {
    condition: 'a header',
    cheap: { path: '/header', headers: { 'X-Tier': 'cheap' } },
    dear: { path: '/header', headers: { 'X-Tier': 'dear' } },
  },
  { condition: 'the query', cheap: { path: '/query?tier=cheap' }, dear: { path: '/query?tier=dear' } },
  { condition: 'the method', cheap: { path: '/method', method: 'PUT' }, dear: { path: '/method', method: 'POST' } },
  {
    condition: 'the agent',
    cheap: { path: '/agent', headers: { 'User-Agent': BROWSER } },
    dear: { path: '/agent', headers: { 'User-Agent': BOT } },
  },
];

describe.each(OF_HEAD)('a request that is priced by $condition', ({ cheap, dear }) => {
  it('costs the same whatever its body is, which the API gets byte for byte', async () => {
    for (const { name, bytes } of bodyTricks()) {
      expect(await costOf(cheap, bytes), name).toBe(0);
      expect(await costOf(dear, bytes), name).toBe(DEAR);
    }
  });
});
