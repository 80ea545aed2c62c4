import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, signUptoFor, stockUptoFetch } from '../support/buyer.ts';
import { approvePermit2, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { sse } from '../support/metering/answers.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';

const FUNDS = 1_000_000n;
const LEAST = 500n;
const JSON_TYPE = { 'Content-Type': 'application/json' };
const SSE_TYPE = { 'Content-Type': 'text/event-stream' };
const USAGE = { usage: { prompt_tokens: 1_000, completion_tokens: 100 } };
/** 1000 tokens at $2.50 and 100 at $10 a million. */
const COST = 3_500n;

let devnet: Devnet;
let api: MeteredApi;
let gateway: TestGateway;
let url: string;

beforeAll(async () => {
  devnet = await startDevnet();
  api = await startMeteredApi();
  gateway = await startTestGateway(`
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
store: memory
facilitator: { local: { rpc: { base-sepolia: "${devnet.rpcUrl}" }, key: "${devnet.accounts.settler.key}" } }
routes:
  - path: /*
    price: { upTo: $0.50, meter: openai, rates: { input: $2.50/1M, output: $10/1M }, min: $0.0005 }
`);
  url = `${gateway.url}/v1/chat/completions`;
});
afterAll(async () => {
  await gateway.close();
  await api.close();
  await devnet.close();
});

async function approvedPayer(): Promise<Payer> {
  const payer = await freshPayer(devnet);
  await approvePermit2(devnet, payer.key);
  return payer;
}

async function spentBecomes(payer: Payer, spent: bigint): Promise<void> {
  await expect.poll(() => devnet.usdcBalanceOf(payer.address), { timeout: 30_000 }).toBe(FUNDS - spent);
}

function post(payment: string, body = '{"model":"m"}', signal?: AbortSignal): Promise<Response> {
  const init = { method: 'POST', body, headers: { 'PAYMENT-SIGNATURE': payment } };
  return fetch(url, signal === undefined ? init : { ...init, signal });
}

describe('One payment', () => {
  it('sent fifty times at once is one call and one charge', async () => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    let calls = 0;
    api.answer = (response) => {
      calls += 1;
      response.writeHead(200, JSON_TYPE).end(JSON.stringify(USAGE));
    };
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(payment)));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    expect(calls).toBe(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    await spentBecomes(payer, COST);
  });

  it('of which nothing was charged is used up all the same', async () => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    api.answer = (response) =>
      response.writeHead(200, SSE_TYPE).end(sse([{ choices: [] }, { error: { message: 'x' } }]));
    const first = await post(payment);
    await first.text();
    const again = await post(payment);
    await again.arrayBuffer();
    expect([first.status, again.status]).toEqual([200, 409]);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });
});

describe('A buyer who leaves', () => {
  it.each([
    ['after the first event', [{ choices: [{ delta: { content: 'x'.repeat(4_000) } }] }], 10_010n],
    ['after an event without content', [{ choices: [] }], LEAST],
    ['when usage was told, before the end', [{ choices: [] }, { ...USAGE, choices: [] }], COST],
  ])('%s pays for what was told or seen by then', async (_, events, spent) => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    // The stream goes on for ever.
    api.answer = (response) => void response.writeHead(200, SSE_TYPE).write(sse(events));
    const leaving = new AbortController();
    const response = await post(payment, '{"model":"m"}', leaving.signal);
    const reader = response.body?.getReader();
    let read = 0;
    while (read < sse(events).length) read += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY;
    leaving.abort();
    await reader?.cancel().catch(() => {});
    await spentBecomes(payer, spent);
  });
});

describe('An API that', () => {
  it('breaks off in the middle of a stream costs nothing', async () => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    api.answer = (response) => {
      response.writeHead(200, SSE_TYPE);
      response.write(sse([{ ...USAGE, choices: [] }]), () => response.destroy());
    };
    const response = await post(payment);
    await expect(response.text()).rejects.toThrow();
    const again = await post(payment);
    await again.arrayBuffer();
    expect(again.status).toBe(409);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });

  it('compresses in spite of all is charged the least, and its bytes are not touched', async () => {
    const payer = await approvedPayer();
    const packed = gzipSync(JSON.stringify(USAGE));
    api.answer = (response) => response.writeHead(200, { ...JSON_TYPE, 'Content-Encoding': 'gzip' }).end(packed);
    const response = await stockUptoFetch(payer.key)(url, { method: 'POST', body: '{}' });
    expect(await response.json()).toEqual(USAGE);
    expect(settlementOf(response).amount).toBe(String(LEAST));
  });

  it('sends usage twice is charged the least', async () => {
    const payer = await approvedPayer();
    const body =
      '{"usage":{"prompt_tokens":9,"completion_tokens":9},"usage":{"prompt_tokens":0,"completion_tokens":0}}';
    api.answer = (response) => response.writeHead(200, JSON_TYPE).end(body);
    const response = await stockUptoFetch(payer.key)(url, { method: 'POST', body: '{}' });
    await response.text();
    expect(settlementOf(response).amount).toBe(String(LEAST));
  });

  it('answers with more than is read whole is charged all the same', async () => {
    const payer = await approvedPayer();
    const body = JSON.stringify({ data: 'z'.repeat(5_000_000), ...USAGE });
    api.answer = (response) => response.writeHead(200, JSON_TYPE).end(body);
    const response = await stockUptoFetch(payer.key)(url, { method: 'POST', body: '{}' });
    expect((await response.text()).length).toBe(body.length);
    await spentBecomes(payer, COST);
  });
});
