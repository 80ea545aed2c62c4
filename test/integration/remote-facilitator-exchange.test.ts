import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Agent } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { type ExchangeRequest, exchange, MAX_ANSWER_BYTES } from '../../src/facilitator/remote/exchange.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function listen(serve: (socket: Socket) => void): Promise<{ server: Server; url: URL }> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  cleanups.push(() => server.close());
  await once(server, 'listening');
  return { server, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/settle`) };
}

function agentWith(options: Agent.Options): Agent {
  const agent = new Agent(options);
  cleanups.push(() => void agent.destroy());
  return agent;
}

/** A server that writes `text` for every request and keeps the connection. */
function saying(text: string): (socket: Socket) => void {
  return (socket) => socket.on('data', () => socket.write(text));
}

function request(url: URL, change: Partial<ExchangeRequest> = {}): ExchangeRequest {
  return { method: 'POST', url, headers: {}, body: '{}', timeoutMs: 20_000, signal: undefined, ...change };
}

describe('an exchange with a facilitator', () => {
  it('that is given up while connecting is not sent when the connection comes about after all', async () => {
    const received: Buffer[] = [];
    const { server, url } = await listen((socket) => socket.on('data', (chunk) => received.push(chunk)));
    let letConnect: () => void = () => undefined;
    const agent = agentWith({
      connect: (_, callback) => {
        letConnect = () => {
          const socket = connect(Number(url.port), '127.0.0.1');
          socket.once('connect', () => callback(null, socket));
        };
      },
    });
    const caller = new AbortController();
    const exchanged = exchange(agent, request(url, { signal: caller.signal }));
    caller.abort();
    expect(await exchanged).toMatchObject({ kind: 'broken', code: 'facilitator_timeout', sent: false });

    letConnect();
    const [socket] = (await once(server, 'connection')) as [Socket];
    // undici drops the connection of a request that is withdrawn before it is written.
    await once(socket, 'close');
    expect(received).toEqual([]);
  });

  it('counts as sent from the moment that its first byte may have left', async () => {
    const caller = new AbortController();
    const { url } = await listen((socket) => socket.once('data', () => caller.abort()));
    const exchanged = await exchange(agentWith({}), request(url, { signal: caller.signal }));
    expect(exchanged).toMatchObject({ kind: 'broken', code: 'facilitator_timeout', sent: true });
  });

  it('takes an answer of exactly the limit and refuses one byte more', async () => {
    const kinds: string[] = [];
    for (const size of [MAX_ANSWER_BYTES, MAX_ANSWER_BYTES + 1]) {
      const { url } = await listen(saying(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`));
      const exchanged = await exchange(agentWith({}), request(url));
      kinds.push(exchanged.kind === 'answered' ? `${exchanged.body.byteLength}` : exchanged.code);
    }
    expect(kinds).toEqual([`${MAX_ANSWER_BYTES}`, 'facilitator_invalid_answer']);
  });

  it('ignores an interim answer', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nretry-after: 99\r\n\r\n';
    const { url } = await listen(saying(`${interim}HTTP/1.1 429 Slow Down\r\ncontent-length: 2\r\n\r\n{}`));
    const exchanged = await exchange(agentWith({}), request(url));
    expect(exchanged).toEqual({ kind: 'answered', status: 429, retryAfter: undefined, body: Buffer.from('{}') });
  });

  it('with a header that cannot be written is broken before it is sent', async () => {
    const { url } = await listen(() => undefined);
    const exchanged = await exchange(agentWith({}), request(url, { headers: { 'x-key': 'a\r\nb' } }));
    expect(exchanged).toMatchObject({ kind: 'broken', code: 'facilitator_unreachable', sent: false });
  });
});
