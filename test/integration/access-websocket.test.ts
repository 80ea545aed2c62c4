import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw, crlf, parseRaw, type RawResponse } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';

let devnet: Devnet;
let upstream: Server;
let gateway: TestGateway;
/** Heads that the upstream saw. */
const seen: string[] = [];
/** What it answers to the next upgrades. */
let answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const open = new Set<Socket>();

beforeAll(async () => {
  devnet = await startDevnet();
  upstream = createServer();
  upstream.on('upgrade', (req, socket: Socket) => {
    open.add(socket.on('error', () => {}));
    seen.push(req.rawHeaders.join('\n'));
    socket.write(answer);
    if (!answer.includes(' 101 ')) socket.end();
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  gateway = await startTestGateway(
    `${settings(devnet, `http://127.0.0.1:${port}`)}
routes:
  - { path: /feed, price: $0.001, access: { requests: 2 } }
`,
  );
});

afterAll(async () => {
  await gateway.close();
  for (const socket of open) socket.destroy();
  upstream.close();
  await devnet.close();
});

/** Asks for a WebSocket, and hangs up as soon as the answer's head is there. */
async function upgrade(header: string): Promise<RawResponse> {
  const { host, port } = new URL(gateway.url);
  const peer = await connectRaw(Number(port));
  peer.send(
    crlf([
      'GET /feed HTTP/1.1',
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: abc',
      'Sec-WebSocket-Version: 13',
      header,
      '',
    ]),
  );
  const head = parseRaw(Buffer.from(await peer.until('\r\n\r\n'), 'latin1'));
  peer.socket.destroy();
  return head;
}

describe('a WebSocket on a route with access', () => {
  it('is sold with a pass in its 101; the pass opens the remaining connections, and a failed one costs nothing', async () => {
    const payer = await freshPayer(devnet);
    const payment = await signFor(devnet, payer, `${gateway.url}/feed`);
    const bought = await upgrade(`PAYMENT-SIGNATURE: ${payment}`);
    expect(bought.statusLine).toContain(' 101 ');
    const [token = ''] = bought.all('x402-access-token');
    expect(token).toMatch(/^tpk_/);
    expect(bought.all('x402-access-remaining')).toEqual(['2']);

    const switched = answer;
    answer = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
    expect((await upgrade(`X402-Access-Token: ${token}`)).statusLine).toContain(' 503 ');
    answer = switched;

    const first = await upgrade(`X402-Access-Token: ${token}`);
    expect(first.statusLine).toContain(' 101 ');
    expect(first.all('vary').join()).toContain('X402-Access-Token');
    const second = await upgrade(`Cookie: a=b; turnpike_access=${token}`);
    expect(second.statusLine).toContain(' 101 ');
    expect(seen.at(-1)).toContain('a=b');
    expect(seen.join('\n')).not.toContain('tpk_');
    const third = await upgrade(`Authorization: Bearer ${token}`);
    expect(third.statusLine).toContain(' 402 ');
  });

  it('opens for a browser that sends its pass as a subprotocol, which the API does not see', async () => {
    const payer = await freshPayer(devnet);
    const bought = await upgrade(`PAYMENT-SIGNATURE: ${await signFor(devnet, payer, `${gateway.url}/feed`)}`);
    const [token = ''] = bought.all('x402-access-token');
    const opened = await upgrade(`Sec-WebSocket-Protocol: chat, x402-access-token.${token}, v2`);
    expect(opened.statusLine).toContain(' 101 ');
    expect(seen.at(-1)).toContain('sec-websocket-protocol\nchat, v2');
    expect(seen.at(-1)).not.toContain(token);
    expect((await upgrade(`Sec-WebSocket-Protocol: x402-access-token.${token}`)).statusLine).toContain(' 101 ');
    expect(seen.at(-1)?.toLowerCase()).not.toContain('sec-websocket-protocol');
    const forged = await upgrade(`Sec-WebSocket-Protocol: chat, x402-access-token.${token.slice(0, -4)}AAAA`);
    expect(forged.statusLine).not.toContain(' 101 ');
  });
});
