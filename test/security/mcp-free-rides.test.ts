import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paidId } from '../../src/mcp/message.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { messagesIn, RawSession } from '../support/mcp/session.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * Ways to get results of priced calls without a payment. The server here is hostile: whatever it is asked for, it also sends the
 * result of a priced call.
 */

const RESULT = { jsonrpc: '2.0', id: paidId('x'), result: { content: [{ type: 'text', text: 'sold' }] } };
const NEWS = { jsonrpc: '2.0', method: 'notifications/tasks', params: { taskId: 't', result: RESULT.result } };
const event = (...messages: object[]): string =>
  messages.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`).join('');

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
/** Requests that the server has seen, and the last of their bodies. */
let served = 0;
let lastBody = '';

beforeAll(async () => {
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream(serve)]);
  gateway = await startTestGateway(`upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
routes:
  - path: /mcp
    mcp: { tools: { search: $0.01 }, otherwise: free }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});

async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
  served++;
  let body = '';
  for await (const chunk of req) body += chunk;
  lastBody = body;
  const { id = null, method } = body === '' ? {} : JSON.parse(body);
  const list = { jsonrpc: '2.0', id, result: method === 'tools/list' ? { tools: [{ name: 'search' }] } : {} };
  const text = event(RESULT, NEWS, list);
  const odd = ODD_JSON[String(req.headers['x-odd'])];
  if (odd !== undefined) {
    res.setHeader('Content-Type', 'application/json').end(odd(id));
    return;
  }
  res.setHeader('Content-Type', 'text/event-stream');
  if (req.headers['x-odd'] !== 'gzip') res.end(text);
  else res.setHeader('Content-Encoding', 'gzip').end(gzipSync(text));
}

/** Answers in JSON to a call that was not asked. */
const ODD_JSON: Readonly<Record<string, (id: unknown) => string>> = {
  'another call': () => JSON.stringify(RESULT),
  'another call beside its own': (id) => JSON.stringify([{ jsonrpc: '2.0', id, result: {} }, RESULT]),
  'another call, broken': () => `${JSON.stringify(RESULT)}}`,
  'another call behind much': () => `${' '.repeat(9_000_000)}${JSON.stringify(RESULT)}`,
  'its own': (id) => JSON.stringify({ jsonrpc: '2.0', id, result: { text: paidId('told of in a text') } }),
};

const session = (): RawSession => new RawSession(`${gateway.url}/mcp`);

describe('the result of a priced call', () => {
  it.each([
    'ping',
    'tools/list',
    'resources/list',
    'initialize',
  ])('does not come with the answer to %s', async (method) => {
    const text = await (await session().post({ id: 5, method })).text();
    expect(text).not.toContain('sold');
    expect(messagesIn(text)).toMatchObject([{ id: 5, result: {} }]);
  });

  it.each([
    'another call',
    'another call beside its own',
    'another call, broken',
  ])('does not come in a JSON answer to %s', async (odd) => {
    for (const method of ['ping', 'tools/list', 'resources/list']) {
      const answer = await session().post({ id: 5, method }, { headers: { ...session().headers, 'x-odd': odd } });
      const text = await answer.text();
      expect(text).not.toContain('sold');
      expect(JSON.parse(text)).toMatchObject({ id: 5, error: { code: -32603 } });
    }
  });

  it('does not come in an answer longer than the buffer, and an answer that only names such an id is let through', async () => {
    const ask = (odd: string) =>
      session().post({ id: 5, method: 'ping' }, { headers: { ...session().headers, 'x-odd': odd } });
    const behind = await ask('another call behind much')
      .then((answer) => answer.text())
      .catch(() => '');
    expect(behind).not.toContain('sold');
    expect(await (await ask('its own')).json()).toMatchObject({ id: 5, result: { text: expect.any(String) } });
  });

  it('does not come over the event stream of the server, new or resumed', async () => {
    for (const headers of [{}, { 'last-event-id': '0' }]) {
      const answer = await fetch(`${gateway.url}/mcp`, { headers: { accept: 'text/event-stream', ...headers } });
      expect(await answer.text()).not.toContain('sold');
    }
  });

  it('does not come in a compressed answer, which the gateway cannot search', async () => {
    const answer = await fetch(`${gateway.url}/mcp`, { headers: { accept: 'text/event-stream', 'x-odd': 'gzip' } });
    expect(answer.status).toBe(502);
    expect(await answer.text()).not.toContain('sold');
  });

  it.each([
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}]'],
    [
      'an id that the gateway gives',
      `{"jsonrpc":"2.0","id":"${paidId('y')}","method":"tools/call","params":{"name":"search"}}`,
    ],
    ['a name twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","name":"search"}}'],
    ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"search"}}'],
    ['two ids', '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"search"}}'],
    [
      'two sets of parameters',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free"},"params":{"name":"search"}}',
    ],
    [
      'an escaped second name',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","n\\u0061me":"search"}}',
    ],
    ['no id', '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"search"}}'],
    [
      'what follows the message',
      '{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call"}',
    ],
  ])('cannot be had by %s: the server gets no request', async (_, body) => {
    const before = served;
    const answer = await session().send(body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain('sold');
    expect(served).toBe(before);
  });

  it.each(['PUT', 'PATCH', 'DELETE'])('cannot be had by %s, which servers may take for POST', async (method) => {
    const before = served;
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'search' } };
    const answer = await session().send(JSON.stringify(call), { method });
    expect(await answer.json()).toMatchObject({ id: 1, result: { isError: true } });
    expect(served).toBe(before);
  });

  it('cannot be had with a receipt in place of a payment', async () => {
    const before = served;
    const _meta = { 'x402/payment-response': { success: true, transaction: '0x1' } };
    const answer = await session().ask({ id: 1, method: 'tools/call', params: { name: 'search', _meta } });
    expect(answer.result?.isError).toBe(true);
    expect(served).toBe(before);
  });
});

describe('a payment that comes with a free request', () => {
  it.each([
    ['a free tool', 'tools/call', { name: 'free', arguments: { a: 1.0 } }],
    ['a list', 'tools/list', { cursor: 'x' }],
    ['a ping', 'ping', {}],
  ])('does not reach the server, which could take its money: with %s', async (_, method, params) => {
    const _meta = { 'x402/payment': { x402Version: 2, payload: { signature: '0xsecret' } }, progressToken: 7 };
    await (await session().post({ id: 5, method, params: { ...params, _meta } })).text();
    expect(lastBody).not.toContain('secret');
    expect(JSON.parse(lastBody)).toMatchObject({ id: 5, method, params: { ...params, _meta: { progressToken: 7 } } });
  });
});
