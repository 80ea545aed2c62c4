import { once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClientDeparture } from '../../../src/proxy/client-departure.ts';

const server = createServer();

beforeEach(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A client that asks and waits, the response that it waits for, and its departure. */
async function waiting() {
  const { port } = server.address() as AddressInfo;
  const client = get({ host: '127.0.0.1', port, agent: false });
  client.on('error', () => {});
  const [, res]: [unknown, ServerResponse] = (await once(server, 'request')) as [unknown, ServerResponse];
  return { client, res, departure: new ClientDeparture(res), closed: once(res, 'close') };
}

it('tells listeners and signals, those asked for later too, that the client has gone', async () => {
  const { client, departure, closed } = await waiting();
  const heard: string[] = [];
  departure.addEventListener('abort', { handleEvent: () => heard.push('first') });
  const second = { handleEvent: () => heard.push('second') };
  departure.addEventListener('abort', second);
  departure.removeEventListener('abort', second);
  const early = departure.signal;
  client.destroy();
  await closed;
  expect(departure.aborted).toBe(true);
  expect(heard).toEqual(['first']);
  expect(early.aborted).toBe(true);
  expect(departure.signal).toBe(early);
});

it('gives an aborted signal when it is asked for afterwards', async () => {
  const { client, departure, closed } = await waiting();
  client.destroy();
  await closed;
  expect(departure.signal.aborted).toBe(true);
});

it('is not reported when the answer was complete', async () => {
  const { res, departure, closed } = await waiting();
  const heard: string[] = [];
  departure.addEventListener('abort', { handleEvent: () => heard.push('gone') });
  res.end('all of it');
  await closed;
  expect(departure.aborted).toBe(false);
  expect(departure.signal.aborted).toBe(false);
  expect(heard).toEqual([]);
});

it('tells every listener although one of them stops listening meanwhile', async () => {
  const { client, departure, closed } = await waiting();
  const heard: string[] = [];
  const first = {
    handleEvent() {
      departure.removeEventListener('abort', first);
      heard.push('first');
    },
  };
  departure.addEventListener('abort', first);
  departure.addEventListener('abort', { handleEvent: () => heard.push('second') });
  client.destroy();
  await closed;
  expect(heard).toEqual(['first', 'second']);
});
