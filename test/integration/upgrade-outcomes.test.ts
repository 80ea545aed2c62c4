import { describe, expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { connectRaw, crlf } from '../support/raw-http.ts';

/** A port that nobody listens on. */
const NOBODY = 'http://127.0.0.1:1';

describe('a free WebSocket', () => {
  it('is logged as failed when its upstream cannot be reached', async () => {
    const gateway = await startTestGateway(`upstream: ${NOBODY}\nroutes:\n  - { path: /feed, price: free }\n`);
    try {
      const peer = await connectRaw(Number(new URL(gateway.url).port));
      peer.send(
        crlf([
          'GET /feed HTTP/1.1',
          'Host: localhost',
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Key: abc',
          'Sec-WebSocket-Version: 13',
          '',
          '',
        ]),
      );
      expect(await peer.until('\r\n\r\n')).toContain(' 502 ');
      peer.socket.destroy();
      const line = () => gateway.log.find(({ path }) => path === '/feed');
      await expect.poll(line).toMatchObject({ outcome: 'failed', code: 'upstream_unreachable', status: 502 });
    } finally {
      await gateway.close();
    }
  });
});
