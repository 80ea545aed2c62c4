import { describe, expect, it } from 'vitest';
import { readCallAnswer } from '../../../src/mcp/call-answer.ts';
import { KnownTools } from '../../../src/mcp/known-tools.ts';
import { paidId } from '../../../src/mcp/message.ts';
import { refusalAnswer } from '../../../src/mcp/refusal-answer.ts';
import { annotateTools, type ToolNotes } from '../../../src/mcp/tool-list.ts';
import { UnpaidResults } from '../../../src/mcp/unpaid-results.ts';

const SERVER = paidId('x');
const IDS = { client: 7, server: SERVER, receipts: ['x402/payment-response'] };
const RECEIPT = { member: 'x402/payment-response', receipt: { success: true, transaction: '0x1' } };
const answer = (others: object) => JSON.stringify({ jsonrpc: '2.0', id: SERVER, ...others });
const event = (data: string, others = '') => `${others}data: ${data}\n\n`;
const RESULT = answer({ result: { content: [] } });

describe('the answer to a priced call', () => {
  it('gets the receipt and the id of the client, and keeps its numbers exact', () => {
    const body = `{"jsonrpc":"2.0","id":"${SERVER}","result":{"content":[],"n":12345678901234567890}}`;
    const read = readCallAnswer(body, false, IDS);
    expect(read?.end).toBe('done');
    expect(read?.write(RECEIPT)).toBe(
      '{"jsonrpc":"2.0","id":7,"result":{"content":[],"n":12345678901234567890,"_meta":{"x402/payment-response":{"success":true,"transaction":"0x1"}}}}',
    );
  });

  it.each([
    ['an error', { error: { code: 1, message: 'no' } }],
    ['a result that is an error', { result: { isError: true, content: [] } }],
    ['a result that is no object', { result: 5 }],
  ])('did not succeed with %s', (_, others) => {
    expect(readCallAnswer(answer(others), false, IDS)?.end).toBe('failed');
  });

  it.each([
    ['questions', { inputRequests: { sure: { method: 'elicitation/create' } } }],
    ['a state alone', { requestState: 's' }],
    ['no members that are sold', { content: [], structuredContent: null, requestState: 's' }],
  ])('asks for input with a result of that type that has %s', (_, others) => {
    const body = answer({ result: { resultType: 'input_required', ...others } });
    expect(readCallAnswer(body, false, IDS)?.end).toBe('asks');
    expect(readCallAnswer(event(body), true, IDS)?.end).toBe('asks');
  });

  it.each([
    { resultType: 'input_required', content: [{ type: 'text', text: 'sold' }] },
    { resultType: 'input_required', structuredContent: {} },
    { resultType: 'input_required', contents: [{ uri: 'a:b', text: 'sold' }] },
    { resultType: 'input_required', messages: [{ role: 'user' }] },
    { resultType: 'task', content: [{ type: 'text', text: 'sold' }] },
    { resultType: 'complete', requestState: 's' },
    { resultType: ['input_required'], requestState: 's' },
    { requestState: 's' },
  ])('did its work with a result that delivers something, or is of another type: %j', (result) => {
    expect(readCallAnswer(answer({ result }), false, IDS)?.end).toBe('done');
  });

  it('is not a task, whose result could not be fetched', () => {
    const body = answer({ result: { resultType: 'task', taskId: 't', status: 'working' } });
    expect(readCallAnswer(body, false, IDS)).toBeUndefined();
    expect(readCallAnswer(event(body), true, IDS)).toBeUndefined();
  });

  it('cannot carry a receipt from the server', () => {
    const forged = answer({ result: { content: [], _meta: { 'x402/payment-response': { success: true }, own: 1 } } });
    const written = JSON.parse(readCallAnswer(forged, false, IDS)?.write(undefined) ?? '');
    expect(written.result._meta).toEqual({ own: 1 });
  });

  it('is found in a stream, which keeps its other events and its ids', () => {
    const progress = event('{"jsonrpc":"2.0","method":"notifications/progress","params":{}}', 'id: 1\n');
    const body = `: ping\n\n${progress}${event(RESULT, 'event: message\nid: 2\n')}`;
    const written = readCallAnswer(body, true, IDS)?.write(RECEIPT) ?? '';
    expect(written.startsWith(`: ping\n\n${progress}event: message\nid: 2\ndata: {"jsonrpc"`)).toBe(true);
    expect(written).toContain('"x402/payment-response"');
    expect(written).not.toContain(SERVER);
  });

  it.each([['\n'], ['\r\n'], ['\r']])('is found whatever ends its lines: %j', (end) => {
    const body = [`data: ${RESULT.slice(0, 4)}`, `data:${RESULT.slice(4)}`, '', ''].join(end);
    // Data of several lines has line breaks in it, which here would be inside of a text.
    expect(readCallAnswer(body, true, IDS)).toBeUndefined();
    expect(readCallAnswer([`data: ${RESULT}`, '', ''].join(end), true, IDS)?.end).toBe('done');
  });

  it('is found behind a byte order mark, and is paid for', () => {
    const read = readCallAnswer(`\ufeff${event(RESULT)}`, true, IDS);
    expect(read?.end).toBe('done');
    expect(read?.write(RECEIPT)).toMatch(/^data: \{.*"x402\/payment-response".*\}\n\n$/);
  });

  it('carries no answer to another request', () => {
    const other = JSON.stringify({ jsonrpc: '2.0', id: 8, result: { secret: 1 } });
    const lax = `Data: ${other}\n\n`;
    const body = event(other) + lax + event(RESULT) + event(RESULT) + event(`[${other}]`) + event('{"id":8,"result"');
    const written = readCallAnswer(body, true, IDS)?.write(RECEIPT) ?? '';
    expect(written.split('\n\n').filter((part) => part !== '')).toHaveLength(1);
    expect(written).not.toContain('secret');
  });

  it.each([
    ['another id', JSON.stringify({ jsonrpc: '2.0', id: 7, result: {} })],
    ['a request of the server', answer({ method: 'ping' })],
    ['no JSON', 'sorry'],
    ['a batch', `[${RESULT}]`],
  ])('is not %s', (_, body) => {
    expect(readCallAnswer(body, false, IDS)).toBeUndefined();
    expect(readCallAnswer(event(body), true, IDS)).toBeUndefined();
  });
});

describe('a refusal', () => {
  const required = { x402Version: 2, accepts: [] };
  const form = {
    place: 'result',
    extension: 'org.x402/payment',
    meta: 'x402/error',
    beside: 'x402',
    errorCode: 402,
  } as const;
  const refusal = { status: 402, code: 'payment_required', detail: undefined, prices: [{ ...form, price: required }] };
  const tool = { id: 7, target: 'tool', name: 'search', extensions: [] } as const;

  it('of a tool is a result that failed, with the requirement as data and as text', () => {
    const { result } = refusalAnswer(tool, refusal, 'result', () => false) as Record<string, Record<string, unknown>>;
    expect(result).toMatchObject({ isError: true, structuredContent: required });
    expect(result?.['content']).toEqual([{ type: 'text', text: JSON.stringify(required) }]);
  });

  it('has no structured content for a tool with an output schema', () => {
    const { result } = refusalAnswer(tool, refusal, 'result', () => true) as Record<string, object>;
    expect(result).not.toHaveProperty('structuredContent');
    expect(result).toHaveProperty('content');
  });

  it.each([
    ['resource', 'result'],
    ['prompt', 'result'],
    ['tool', 'error'],
  ] as const)('of a %s with binding %s is an error with code 402', (target, binding) => {
    expect(refusalAnswer({ ...tool, target }, refusal, binding, () => false)).toMatchObject({
      id: 7,
      error: { code: 402, data: required },
    });
  });

  it('states the prices of all protocols in one error when one protocol reads errors only', () => {
    const other = {
      place: 'error',
      extension: undefined,
      meta: 'other/price',
      beside: undefined,
      errorCode: -32042,
    } as const;
    const prices = [...refusal.prices, { ...other, price: { challenges: [{ id: 'x' }] } }];
    expect(refusalAnswer(tool, { ...refusal, prices }, 'result', () => false)).toMatchObject({
      error: { code: -32042, data: { challenges: [{ id: 'x' }], x402: required } },
    });
  });

  it.each([
    'tool',
    'resource',
    'prompt',
  ] as const)('of a %s has its own result type for clients that announce it', (target) => {
    const call = { ...tool, target, extensions: ['org.x402/payment'] };
    expect(refusalAnswer(call, refusal, 'result', () => false)).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: { resultType: 'payment_required', paymentRequired: required },
    });
  });

  it('without an offer is an error with the code of the gateway', () => {
    const unknown = { status: 503, code: 'settlement_unknown', detail: 'Send it again.', prices: [] };
    expect(refusalAnswer(tool, unknown, 'result', () => false)).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error: { code: -32603, message: 'Send it again.', data: { code: 'settlement_unknown' } },
    });
  });
});

describe('a list of tools', () => {
  const annotated = (body: string, isStream: boolean, given: ToolNotes): string | undefined =>
    annotateTools(Buffer.from(body), isStream, given)?.toString();
  const seen: [string, boolean][] = [];
  const notes = (inDescription: boolean): ToolNotes => ({
    priceOf: (tool) => (tool === 'search' ? { text: '0.01 USDC', accepts: [{ scheme: 'exact' }] } : undefined),
    inDescription,
    known: new KnownTools(),
    seen: (tool, hasOutputSchema) => seen.push([tool, hasOutputSchema]),
  });
  const list = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    result: {
      tools: [{ name: 'search', description: 'Searches.', outputSchema: {} }, { name: 'free' }],
      nextCursor: 'x',
    },
  });

  it('states the price of each tool, also in words when configured', () => {
    const told = JSON.parse(annotated(list, false, notes(true)) ?? '').result;
    expect(told.tools[0]).toEqual({
      name: 'search',
      description: 'Searches. (costs 0.01 USDC a call)',
      outputSchema: {},
      _meta: { 'x402/price': { price: '0.01 USDC', accepts: [{ scheme: 'exact' }] } },
    });
    expect([told.tools[1], told.nextCursor]).toEqual([{ name: 'free' }, 'x']);
    expect(seen).toEqual([
      ['search', true],
      ['free', false],
    ]);
  });

  it('forbids tasks for a tool that works without them', () => {
    const tools = ['optional', 'required'].map((taskSupport) => ({ name: 'free', execution: { taskSupport } }));
    const told = annotated(JSON.stringify({ id: 1, result: { tools } }), false, notes(false));
    expect(JSON.parse(told ?? '').result.tools).toMatchObject([
      { execution: { taskSupport: 'forbidden' } },
      { execution: { taskSupport: 'required' } },
    ]);
  });

  it('is found in a stream', () => {
    const told = annotated(`id: 1\ndata: ${list}\n\n`, true, notes(false)) ?? '';
    expect(told).toMatch(/^id: 1\ndata: \{.*"x402\/price".*\}\n\n$/);
    expect(told).toContain('"description":"Searches."');
  });

  it('is found in a stream that begins with a byte order mark', () => {
    expect(annotated(`\ufeffid: 1\ndata: ${list}\n\n`, true, notes(false))).toMatch(
      /^\ufeffid: 1\ndata: \{.*"x402\/price"/,
    );
  });

  it('is left alone where there is none', () => {
    expect(annotated('{"jsonrpc":"2.0","id":1,"error":{}}', false, notes(true))).toBeUndefined();
  });
});

describe('an unpaid stream', () => {
  const run = (text: string, size: number): string => {
    const filter = new UnpaidResults();
    const out: Buffer[] = [];
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) out.push(...filter.pass(bytes.subarray(at, at + size)));
    return Buffer.concat([...out, ...filter.end()]).toString();
  };
  const progress = event('{"jsonrpc":"2.0","method":"notifications/message","params":{"text":"é💸"}}', 'id: 1\n');
  const free = event('{"jsonrpc":"2.0","id":3,"result":{}}');

  it.each([1, 2, 3, 7, 1000])('holds no result of a priced call, in pieces of %d bytes', (size) => {
    const text =
      progress + event(RESULT, 'id: 2\n') + free + event(`[${RESULT}]`) + event(`{"id":"${SERVER}","result":`);
    expect(run(text, size)).toBe(progress + free);
  });

  it.each([1, 2, 3, 7, 1000])('holds none behind a byte order mark, in pieces of %d bytes', (size) => {
    expect(run(`\ufeff${event(RESULT)}${free}`, size)).toBe(free);
    expect(run(`\ufeff${free}${event(RESULT)}`, size)).toBe(`\ufeff${free}`);
    expect(run(`\ufeff: ping\n\n${free}\ufeff${event(RESULT)}`, size)).toBe(`\ufeff: ping\n\n${free}`);
  });

  it.each([
    'Data',
    ' data',
    'data ',
    '\u0000data',
  ])('holds none in a line that only a lax reader takes for data: %j', (field) => {
    expect(run(`${field}: ${RESULT}\n\n${free}`, 1000)).toBe(free);
  });

  it('drops an event that does not end', () => {
    expect(run(`${free}data: ${RESULT}`, 10)).toBe(free);
  });

  it('loses an event that is such a result, alone or in a batch', () => {
    const bodies = [RESULT, `[${RESULT}]`, '{"id":3,"result":{}}'];
    expect(bodies.map((body) => run(event(body), 1000) === '')).toEqual([true, true, false]);
  });
});
