import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { askHttp2, openHttp2, TLS_SETTING } from '../support/tls-clients.ts';

/** Answers in bytes, by path. */
const ANSWERS: Readonly<Record<string, string>> = {
  '/repeated':
    'HTTP/1.1 200 OK\r\nETag: "a"\r\nETag: "b"\r\nVary: Origin\r\nVary: Accept\r\nLink: </a>\r\nLink: </b>\r\nContent-Length: 2\r\n\r\nok',
};

let api: Server;
let gateway: TestGateway;
let port: number;

beforeAll(async () => {
  api = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.on('data', (head: Buffer) => socket.write(ANSWERS[head.toString('latin1').split(' ')[1] ?? ''] ?? ''));
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  gateway = await startTestGateway(`upstream: http://127.0.0.1:${(api.address() as AddressInfo).port}
store: memory
${TLS_SETTING}
routes:
  - { path: /*, price: free }
`);
  port = Number(new URL(gateway.url).port);
});

afterAll(async () => {
  await gateway.close();
  api.close();
});

describe('an answer over HTTP/2', () => {
  it('keeps every value of the headers beside one that is repeated and may not be', async () => {
    const session = openHttp2(port);
    const { headers, body } = await askHttp2(session, { ':path': '/repeated' });
    expect(headers).toMatchObject({ etag: '"a"', vary: 'Origin, Accept', link: '</a>, </b>' });
    expect(body).toBe('ok');
    session.destroy();
  });
});
