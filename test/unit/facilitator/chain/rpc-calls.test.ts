import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { RpcCalls } from '../../../../src/facilitator/chain/rpc-calls.ts';
import { readRefusal } from '../../../../src/facilitator/chain/rpc-fault.ts';

interface Asked {
  readonly id: number;
  readonly method: string;
}

/** One HTTP exchange, as the node got it. */
type Exchange = Asked | readonly Asked[];

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

describe('answers to calls of one turn', () => {
  it('belong to the calls whose ids they have, in whatever order they come', async () => {
    const { calls, exchanges } = await nodeThat((asked) => listOf(asked).map(echo).toReversed());
    expect(await askAll(calls, 4)).toEqual(['call_0', 'call_1', 'call_2', 'call_3']);
    expect(exchanges).toHaveLength(1);
  });

  it('do not move up to other calls where one is an error without an id', async () => {
    const { calls } = await nodeThat((asked) => [
      { id: null, error: { code: -32005, message: 'limit exceeded' } },
      ...listOf(asked).slice(1).map(echo),
    ]);
    const answers = await Promise.allSettled(['a', 'b', 'c'].map((method) => calls.request({ method })));
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'none'))).toEqual([
      'none',
      'b',
      'c',
    ]);
  });

  it('are no refusals of the node where they are empty', async () => {
    const { calls } = await nodeThat((asked) => listOf(asked).map(() => null));
    const answers = await Promise.allSettled(['a', 'b'].map((method) => calls.request({ method })));
    for (const answer of answers) {
      expect(answer.status).toBe('rejected');
      expect(readRefusal((answer as PromiseRejectedResult).reason)).toBeUndefined();
    }
  });

  it('are faults where they are left out', async () => {
    const { calls } = await nodeThat((asked) => [...listOf(asked).slice(1).map(echo), { id: 99, result: 'foreign' }]);
    const [lost, found] = await Promise.allSettled([calls.request({ method: 'a' }), calls.request({ method: 'b' })]);
    expect(found).toEqual({ status: 'fulfilled', value: 'b' });
    expect(lost).toMatchObject({ status: 'rejected' });
  });
});

describe('a node that takes few calls at once', () => {
  const limited = (most: number, status: number) => (asked: Exchange) => {
    if (!Array.isArray(asked) || asked.length <= most)
      return Array.isArray(asked) ? asked.map(echo) : echo(listOf(asked)[0]);
    const message = `Batch of more than ${most} requests are not allowed on free tier, to use this feature register`;
    return new Refused(status, { jsonrpc: '2.0', id: 0, error: { code: 31, message } });
  };

  it.each([200, 400, 500])('gets no more from then on, HTTP status %i', async (status) => {
    const { calls, exchanges } = await nodeThat(limited(3, status));
    const expected = Array.from({ length: 10 }, (_, index) => `call_${index}`);
    expect(await askAll(calls, 10)).toEqual(expected);
    const learnt = exchanges.length;
    expect(await askAll(calls, 10)).toEqual(expected);
    expect(exchanges.slice(learnt).every((exchange) => listOf(exchange).length <= 3)).toBe(true);
  });
});

describe('a node that takes single calls only', () => {
  it.each([
    ['an error', new Refused(200, { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Invalid Request' } })],
    ['a page', new Refused(400, '<html>Bad Request</html>')],
  ])('is asked one by one, where it refuses with %s', async (_, refusal) => {
    const { calls, exchanges } = await nodeThat((asked) => (Array.isArray(asked) ? refusal : echo(listOf(asked)[0])));
    expect(await askAll(calls, 5)).toHaveLength(5);
    const learnt = exchanges.length;
    expect(await askAll(calls, 5)).toEqual(['call_0', 'call_1', 'call_2', 'call_3', 'call_4']);
    expect(exchanges.slice(learnt)).toHaveLength(5);
  });
});

it('a node that was asked too often is not asked again at once', async () => {
  const error = { code: -32005, message: 'batch requests exceed 25 per second' };
  const { calls, exchanges } = await nodeThat(() => new Refused(200, { jsonrpc: '2.0', id: null, error }));
  const answers = await Promise.allSettled([calls.request({ method: 'a' }), calls.request({ method: 'b' })]);
  expect(answers.map((answer) => readRefusal((answer as PromiseRejectedResult).reason)?.message)).toEqual([
    error.message,
    error.message,
  ]);
  expect(exchanges).toHaveLength(1);
});

/** An answer to a whole exchange. */
class Refused {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

function echo(asked: Asked | undefined) {
  return { jsonrpc: '2.0', id: asked?.id, result: asked?.method };
}

function listOf(exchange: Exchange): readonly Asked[] {
  return Array.isArray(exchange) ? exchange : [exchange as Asked];
}

function askAll(calls: RpcCalls, count: number): Promise<readonly unknown[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => calls.request({ method: `call_${index}` })));
}

async function nodeThat(answer: (asked: Exchange) => unknown) {
  const exchanges: Exchange[] = [];
  const server = createServer(async (request, response) => {
    const asked = (await json(request)) as Exchange;
    exchanges.push(asked);
    const given = answer(asked);
    const { status, body } = given instanceof Refused ? given : new Refused(200, given);
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const calls = new RpcCalls(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { timeout: 5_000 });
  return { calls, exchanges };
}
