import { text } from 'node:stream/consumers';
import type { PaymentPayload, PaymentRequired } from '@x402/core/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/mcp/session.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * Calls of MCP 2026-07-28 whose first result asks the client for input (`resultType: input_required`): the client calls once more,
 * with `inputResponses` and the `requestState` of the result.
 */

const PRICE = 50_000n;
const ANSWERS = { inputResponses: { sure: { action: 'accept', content: {} } }, requestState: 's' };
const QUESTION = {
  resultType: 'input_required',
  inputRequests: { sure: { method: 'elicitation/create', params: { message: 'Sure?', requestedSchema: {} } } },
  requestState: 's',
};

/** What each method delivers. */
const DELIVERED: Readonly<Record<string, object>> = {
  'tools/call': { content: [{ type: 'text', text: 'sold' }] },
  'prompts/get': { messages: [{ role: 'user', content: { type: 'text', text: 'sold' } }] },
  'resources/read': { contents: [{ uri: 'page://a', text: 'sold' }] },
};

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
let before = 0n;
/** The first result of a call; by default it asks. */
let first: (delivered: object) => object;
let isStream = false;

beforeAll(async () => {
  devnet = await startDevnet();
  upstream = await startUpstream(async (req, res) => {
    const { id, method, params } = JSON.parse(await text(req));
    const delivered = DELIVERED[method] ?? {};
    const result = params.inputResponses === undefined ? first(delivered) : { resultType: 'complete', ...delivered };
    const message = JSON.stringify({ jsonrpc: '2.0', id, result });
    res.setHeader('Content-Type', isStream ? 'text/event-stream' : 'application/json');
    res.end(isStream ? `data: ${message}\n\n` : message);
  });
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}routes:
  - path: /mcp
    mcp: { tools: { deploy: $0.05 }, prompts: { review: $0.05 }, resources: { "page://*": $0.05 } }
  - path: /hour
    mcp: { tools: { deploy: $0.05 } }
    access: { for: 1h }
`);
});

beforeEach(async () => {
  [first, isStream] = [() => QUESTION, false];
  buyer = await freshPayer(devnet);
  before = await devnet.usdcBalanceOf(buyer.address);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

const spent = async (): Promise<bigint> => before - (await devnet.usdcBalanceOf(buyer.address));

interface Call {
  readonly method: string;
  readonly params: object;
}

const DEPLOY: Call = { method: 'tools/call', params: { name: 'deploy', arguments: {} } };
const answered = ({ method, params }: Call): Call => ({ method, params: { ...params, ...ANSWERS } });

async function ask({ method, params }: Call, payment?: PaymentPayload): Promise<RpcMessage> {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'x402/payment': payment };
  return await new RawSession(`${gateway.url}/mcp`).ask({ id: 1, method, params: { ...params, _meta } });
}

async function pay(call: Call): Promise<PaymentPayload> {
  const { result, error } = await ask(call);
  const required = (result?.structuredContent ?? error?.data) as unknown as PaymentRequired;
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('no offer');
  return { ...(await signPayment(devnet, buyer, accepted)), resource: required.resource };
}

describe.each([
  ['JSON', false],
  ['event streams', true],
])('a call that asks for input, of a server that answers with %s', (_, streams) => {
  beforeEach(() => {
    isStream = streams;
  });

  it.each<Call>([
    DEPLOY,
    { method: 'prompts/get', params: { name: 'review' } },
    { method: 'resources/read', params: { uri: 'page://a' } },
  ])('costs nothing, and its payment pays for the call with the input: $method', async (call) => {
    const payment = await pay(call);
    const question = await ask(call, payment);
    expect(question.result).toEqual(QUESTION);
    expect(await spent()).toBe(0n);
    const done = await ask(answered(call), payment);
    expect(done.result).toMatchObject({
      resultType: 'complete',
      _meta: { 'x402/payment-response': { success: true } },
    });
    expect(JSON.stringify(done)).toContain('sold');
    expect(await spent()).toBe(PRICE);
  });

  it('is charged once when each call brings a payment of its own', async () => {
    await ask(DEPLOY, await pay(DEPLOY));
    const done = await ask(answered(DEPLOY), await pay(answered(DEPLOY)));
    expect(JSON.stringify(done)).toContain('sold');
    expect(await spent()).toBe(PRICE);
  });

  it('asks as often as the server likes, and no answer that delivers something comes unpaid', async () => {
    const payment = await pay(DEPLOY);
    for (const _ of [1, 2, 3]) expect((await ask(DEPLOY, payment)).result).toEqual(QUESTION);
    const copies = await Promise.all(Array.from({ length: 10 }, () => ask(answered(DEPLOY), payment)));
    expect(copies.filter((copy) => JSON.stringify(copy).includes('sold'))).toHaveLength(1);
    expect(await spent()).toBe(PRICE);
  });

  it.each([
    ['content', { structuredContent: undefined }],
    ['structured content', { content: undefined, structuredContent: { sold: true } }],
    ['contents of a resource', { content: undefined, contents: [{ uri: 'page://a', text: 'sold' }] }],
    ['messages', { content: undefined, messages: [{ role: 'user', content: { type: 'text', text: 'sold' } }] }],
  ])('is charged like any other where its result also delivers %s', async (_what, others) => {
    first = (delivered) => ({ ...QUESTION, ...delivered, ...others });
    const answer = await ask(DEPLOY, await pay(DEPLOY));
    expect(JSON.stringify(answer)).toContain('sold');
    expect(await spent()).toBe(PRICE);
  });

  it('costs nothing where the server makes a task of it, whose result could not be fetched', async () => {
    first = () => ({ resultType: 'task', taskId: 'secret', status: 'working' });
    const payment = await pay(DEPLOY);
    const answer = await ask(DEPLOY, payment);
    expect(answer.error).toMatchObject({ code: -32603 });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(await spent()).toBe(0n);
    expect(JSON.stringify(await ask(answered(DEPLOY), payment))).toContain('sold');
    expect(await spent()).toBe(PRICE);
  });
});

it('a call that asks for input sells no pass', async () => {
  const session = new RawSession(`${gateway.url}/hour`);
  const unpaid = await session.ask({ id: 1, ...DEPLOY });
  const required = unpaid.result?.structuredContent as unknown as PaymentRequired;
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('no offer');
  const payment = { ...(await signPayment(devnet, buyer, accepted)), resource: required.resource };
  const question = await session.post({
    id: 2,
    ...DEPLOY,
    params: { ...DEPLOY.params, _meta: { 'x402/payment': payment } },
  });
  expect(await question.json()).toMatchObject({ result: QUESTION });
  expect(question.headers.get('x402-access-token')).toBeNull();
  expect(await spent()).toBe(0n);
});
