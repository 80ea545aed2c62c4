import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { startUpstream } from '../support/upstream.ts';

it('an answer whose request came before a drain says that its connection ends', async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const upstream = await startUpstream((_req, res) => asked.resolve(res));
  const gateway = await startTestGateway(`store: memory
upstream: ${upstream.url}
routes:
  - { path: /*, price: free }
`);
  const agent = new Agent({ keepAlive: true });
  const call = request(`${gateway.url}/x`, { agent }).end();
  const answered = once(call, 'response') as Promise<[IncomingMessage]>;
  const res = await asked.promise;
  const closed = gateway.close();
  res.end('done');
  const [answer] = await answered;
  answer.resume();
  expect(answer.headers.connection).toBe('close');
  await closed;
  agent.destroy();
  await upstream.close();
});
