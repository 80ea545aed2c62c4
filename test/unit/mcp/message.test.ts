import { describe, expect, it } from 'vitest';
import { isPaidId, paidId, readMessage, withoutPayments } from '../../../src/mcp/message.ts';

const read = (value: unknown) =>
  readMessage(
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    ['Content-Type', 'application/json'],
    ['x402/payment'],
  );
const call = (params: object, others: object = {}) => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params,
  ...others,
});

describe('a message of an MCP client', () => {
  it.each([
    ['initialize', { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }],
    ['tools/list', { jsonrpc: '2.0', id: 'a', method: 'tools/list' }],
    ['a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['an answer to the server', { jsonrpc: '2.0', id: 3, result: {} }],
    [
      'a method in another case, which no server knows',
      { jsonrpc: '2.0', id: 3, method: 'Tools/Call', params: { name: 'x' } },
    ],
  ])('buys nothing when it is %s', (_, message) => {
    expect(read(message).kind).toBe('free');
  });

  it.each([
    ['a plain name', '_meta'],
    ['a name with an escape', '\\u005fmeta'],
  ])('loses its payment before the server when it buys nothing: %s', (_, name) => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"${name}":{"x402/payment":"secret","a":1}}}`;
    const stripped = withoutPayments(Buffer.from(text), ['x402/payment']);
    expect(JSON.parse(String(stripped))).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'ping',
      params: { _meta: { a: 1 } },
    });
  });

  it('loses its payment before the server when it cancels a call', () => {
    const params = { requestId: 7, reason: 'late', _meta: { 'x402/payment': 'secret' } };
    const message = read({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    if (message.kind !== 'free') throw new Error(message.kind);
    expect(JSON.parse(String(message.cancels?.calledAs('paid')))).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 'paid', reason: 'late' },
    });
  });

  it.each([
    'tasks/list',
    'tasks/get',
    'tasks/result',
    'tasks/cancel',
  ])('is refused when it asks for the result of a call as a task: %s', (method) => {
    expect(read({ jsonrpc: '2.0', id: 3, method, params: { taskId: 'x' } })).toMatchObject({
      kind: 'refused',
      id: 3,
      code: -32601,
    });
  });

  it.each([
    ['tools/call', { name: 'search' }, 'tool', 'search'],
    ['prompts/get', { name: 'review' }, 'prompt', 'review'],
    ['resources/read', { uri: 'file:///a' }, 'resource', 'file:///a'],
  ])('buys with %s', (method, params, target, name) => {
    expect(read({ jsonrpc: '2.0', id: 7, method, params })).toMatchObject({
      kind: 'call',
      call: { id: 7, target, name, payments: {} },
    });
  });

  it('is forwarded without its payment, under another id, and otherwise as it was', () => {
    const payment = { x402Version: 2 };
    const text = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{"n":12345678901234567890,"f":1.0e2},"_meta":{"progressToken":1,"x402/payment":${JSON.stringify(payment)}}}}`;
    const message = read(text);
    if (message.kind !== 'call') throw new Error(message.kind);
    expect(message.call.payments).toEqual({ 'x402/payment': { x402Version: expect.anything() } });
    expect(message.call.forwardedAs('x').toString()).toBe(
      '{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"a","arguments":{"n":12345678901234567890,"f":1.0e2},"_meta":{"progressToken":1}}}',
    );
  });

  it('tells what extensions its client announces', () => {
    const announced = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'org.x402/payment': {} } } };
    expect(read(call({ name: 'a', _meta: announced }))).toMatchObject({ call: { extensions: ['org.x402/payment'] } });
    expect(read(call({ name: 'a' }))).toMatchObject({ call: { extensions: [] } });
  });

  it('takes a payment as text, and leaves no empty _meta behind', () => {
    const message = read(call({ name: 'a', _meta: { 'x402/payment': 'e30=' } }));
    if (message.kind !== 'call') throw new Error(message.kind);
    expect(message.call.payments).toEqual({ 'x402/payment': 'e30=' });
    expect(JSON.parse(message.call.forwardedAs('x').toString()).params).toEqual({ name: 'a' });
  });

  it.each([
    ['a batch', [call({ name: 'a' })]],
    ['a call without an id', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'a' } }],
    ['a call whose id is null', call({ name: 'a' }, { id: null })],
    ['a call whose id is a fraction', call({ name: 'a' }, { id: 1.5 })],
    ['a call without a name', call({})],
    ['a name that is no text', call({ name: ['a'] })],
    ['a call as a task, whose result comes by another call', call({ name: 'a', task: { ttl: 1 } })],
    ['an id that only the gateway gives', call({ name: 'a' }, { id: paidId('x') })],
  ])('is refused as %s', (_, message) => {
    expect(read(message).kind).toBe('refused');
  });

  it.each([
    ['a name twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"cheap","name":"dear"}}'],
    ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"dear"}}'],
    ['a method again in another case', '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}'],
    [
      'a name twice, once escaped',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\\u0061me":"b"}}',
    ],
    ['bytes behind it', '{"jsonrpc":"2.0","id":1,"method":"ping"}{}'],
  ])('is ambiguous with %s', (_, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'body_ambiguous' }));
  });

  it('recognizes the ids of priced calls', () => {
    expect([isPaidId(paidId('x')), isPaidId('x'), isPaidId(7)]).toEqual([true, false, false]);
  });
});
