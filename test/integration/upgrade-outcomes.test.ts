import { describe, expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { openOddUpstream } from '../support/odd-upstream.ts';
import { connectRaw, crlf } from '../support/raw-http.ts';

/** A port that nobody listens on. */
const NOBODY = 'http://127.0.0.1:1';

const UPGRADE = crlf([
  'GET /feed HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: abc',
  'Sec-WebSocket-Version: 13',
  '',
  '',
]);

describe('a free WebSocket', () => {
  it('is logged as failed when its upstream cannot be reached', async () => {
    const gateway = await startTestGateway(`upstream: ${NOBODY}\nroutes:\n  - { path: /feed, price: free }\n`);
    try {
      const peer = await connectRaw(Number(new URL(gateway.url).port));
      peer.send(UPGRADE);
      expect(await peer.until('\r\n\r\n')).toContain(' 502 ');
      peer.socket.destroy();
      const line = () => gateway.log.find(({ path }) => path === '/feed');
      await expect.poll(line).toMatchObject({ outcome: 'failed', code: 'upstream_unreachable', status: 502 });
    } finally {
      await gateway.close();
    }
  });

  it.each([
    ['101 Switching Protocols', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
    ['304 Not Modified', 'ETag: "a"\r\n'],
    ['401 Unauthorized', 'Content-Length: 0\r\n'],
    ['503 Service Unavailable', 'Content-Length: 0\r\n'],
  ])('is logged with the status that its upstream answered (%s)', async (status, fields) => {
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peer.send(`HTTP/1.1 ${status}\r\n${fields}\r\n`);
    });
    const gateway = await startTestGateway(
      `upstream: http://127.0.0.1:${upstream.port}\nroutes:\n  - { path: /feed, price: free }\n`,
    );
    try {
      const peer = await connectRaw(Number(new URL(gateway.url).port));
      peer.send(UPGRADE);
      await peer.until('\r\n\r\n');
      peer.socket.destroy();
      const line = () => gateway.log.find(({ path }) => path === '/feed');
      await expect.poll(line).toMatchObject({ outcome: 'free', status: Number.parseInt(status, 10) });
    } finally {
      await gateway.close();
      await upstream.close();
    }
  });
});
