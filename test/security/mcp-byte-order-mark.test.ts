import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { PaymentPayload, PaymentRequired } from '@x402/core/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { paidId } from '../../src/mcp/message.ts';
import { type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { messagesIn, priceOf, RawSession } from '../support/mcp/session.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * A byte order mark at the start of an event stream, which clients drop: the event behind it is an event like others. And lines that
 * only lax readers take for data.
 */

const MARK = Buffer.from('\ufeff');
const PRICE = 600_000n;

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
/** What goes before the first event, in the pieces in which it is written. */
let beginning: readonly Buffer[] = [MARK];
/** The field with the message. */
let field = 'data';

beforeEach(() => {
  [beginning, field] = [[MARK], 'data'];
});

beforeAll(async () => {
  devnet = await startDevnet();
  upstream = await startUpstream(serve);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}routes:
  - path: /mcp
    mcp: { tools: { search: $0.60 }, otherwise: free }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { id = 0, method = '' } = JSON.parse((await text(req)) || '{}');
  const sold = { jsonrpc: '2.0', id: paidId('x'), result: { content: [{ type: 'text', text: 'sold' }] } };
  const answer = method === 'tools/call' ? { ...sold, id } : sold;
  res.setHeader('Content-Type', 'text/event-stream');
  for (const piece of beginning) {
    res.write(piece);
    // The next piece goes out in a packet of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  res.end(`${field}: ${JSON.stringify(answer)}\n\n`);
}

const session = (): RawSession => new RawSession(`${gateway.url}/mcp`);

async function pay(name: string, buyer: Payer): Promise<PaymentPayload> {
  const required = priceOf(await session().callTool(1, search(name))) as unknown as PaymentRequired;
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('no offer');
  return { ...(await signPayment(devnet, buyer, accepted)), resource: required.resource };
}

const search = (name: string) => ({ name: 'search', arguments: { name } });

describe.each([
  ['whole', [MARK]],
  ['in two pieces', [MARK.subarray(0, 1), MARK.subarray(1)]],
  ['in three pieces', [MARK.subarray(0, 1), MARK.subarray(1, 2), MARK.subarray(2)]],
  ['before a comment', [Buffer.from('\ufeff: hi\n\n')]],
])('an event stream that begins with a byte order mark, %s', (_, pieces) => {
  it('brings the result of a priced call once it is paid, and the price where the money does not move', async () => {
    beginning = pieces;
    const buyer = await freshPayer(devnet);
    const before = await devnet.usdcBalanceOf(buyer.address);
    // The buyer has the money for one of them.
    const payments = await Promise.all(['tea', 'coffee'].map(async (name) => [name, await pay(name, buyer)] as const));
    const answers = await Promise.all(
      payments.map(([name, payment], index) => session().callTool(index + 2, search(name), payment)),
    );
    const sold = answers.filter((answer) => JSON.stringify(answer).includes('sold'));
    expect(sold).toMatchObject([{ result: { _meta: { 'x402/payment-response': { success: true } } } }]);
    expect(answers.filter(({ result }) => result?.isError === true)).toHaveLength(1);
    expect(before - (await devnet.usdcBalanceOf(buyer.address))).toBe(PRICE);
  });

  it('brings no result of a priced call to who asked for something else, or resumes a stream', async () => {
    beginning = pieces;
    const ping = await (await session().post({ id: 5, method: 'ping' })).text();
    const list = await (await session().post({ id: 5, method: 'tools/list' })).text();
    const headers = { accept: 'text/event-stream', 'last-event-id': '0' };
    const resumed = await (await fetch(`${gateway.url}/mcp`, { headers })).text();
    expect([ping, list, resumed].join()).not.toContain('sold');
    expect([ping, list, resumed].flatMap((answer) => messagesIn(answer))).toEqual([]);
  });
});

it.each([
  'Data',
  ' data',
  'data ',
])('a field that only a lax reader takes for data brings no result: %j', async (other) => {
  field = other;
  const buyer = await freshPayer(devnet);
  const before = await devnet.usdcBalanceOf(buyer.address);
  const params = { ...search('tea'), _meta: { 'x402/payment': await pay('tea', buyer) } };
  const paid = await (await session().post({ id: 2, method: 'tools/call', params })).text();
  const ping = await (await session().post({ id: 5, method: 'ping' })).text();
  expect(messagesIn(paid)).toMatchObject([{ id: 2, error: { code: -32603 } }]);
  expect(paid + ping).not.toContain('sold');
  expect(before - (await devnet.usdcBalanceOf(buyer.address))).toBe(0n);
});
