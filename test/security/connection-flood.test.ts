import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { parseRaw, type RawPeer } from '../support/raw-http.ts';
import { codeOf, lastRequest, laySiege, request, type Siege, statusOf } from './siege.ts';

/** One client opens connections until none are left for other clients. */

let siege: Siege;
afterEach(() => siege.close());

const ROUTES = `
routes:
  - { path: /free, price: free }
`;

async function open(count: number): Promise<RawPeer[]> {
  const peers: RawPeer[] = [];
  for (let index = 0; index < count; index += 1) {
    const peer = await siege.connect();
    peer.send(request('GET /free'));
    await peer.until('served');
    peers.push(peer);
  }
  return peers;
}

describe('the connections of one address', () => {
  it('are refused with 503 above the limit, served or idle, and accepted again when some have closed', async () => {
    siege = await laySiege(`limits: { connectionsPerAddress: 3 }${ROUTES}`);
    const peers = await open(3);
    const before = siege.seen.length;
    const refused = await siege.connect();
    refused.send(lastRequest('GET /free'));
    const answer = parseRaw(await refused.ended);
    expect([statusOf(answer), codeOf(answer)]).toEqual([503, 'too_many_connections']);
    expect(siege.seen.length).toBe(before);
    const [first] = peers;
    first?.send(lastRequest('GET /free'));
    await first?.ended;
    first?.socket.destroy();
    refused.socket.destroy();
    await expect.poll(async () => statusOf(await siege.ask(lastRequest('GET /free')))).toBe(200);
    for (const peer of peers) peer.socket.destroy();
  });

  it('are closed without an answer far above the limit', async () => {
    siege = await laySiege(`limits: { connectionsPerAddress: 1 }${ROUTES}`);
    const [first] = await open(1);
    const second = await siege.connect();
    await second.until('too_many_connections');
    const third = await siege.connect();
    expect((await third.ended).length).toBe(0);
    for (const peer of [first, second, third]) peer?.socket.destroy();
  });

  it('are not counted for trusted proxies, which carry many clients', async () => {
    siege = await laySiege(`limits: { connectionsPerAddress: 1 }\ntrustedProxies: [127.0.0.0/8]${ROUTES}`);
    for (const peer of await open(5)) peer.socket.destroy();
  });
});

describe('the connections of all clients', () => {
  it('are closed at once above the limit, those of trusted proxies as well', async () => {
    siege = await laySiege(`limits: { connections: 2 }\ntrustedProxies: [127.0.0.0/8]${ROUTES}`);
    const peers = await open(2);
    const over = await siege.connect();
    if (!over.socket.destroyed) await once(over.socket, 'close');
    expect(over.received.length).toBe(0);
    for (const peer of peers) peer.socket.destroy();
  });
});
