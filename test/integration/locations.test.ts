import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastRequest, laySiege, paying, request, type Siege, statusOf } from '../security/siege.ts';
import { handSigned } from '../support/payment-header.ts';

/** Redirects and links of the API, as clients get them. */

let siege: Siege;
let origin: string;

beforeEach(async () => {
  siege = await laySiege(`
publicUrl: https://api.example.com
routes:
  - { path: /free/*, price: free, rewrite: { from: /free, to: /inner } }
  - { path: /after/*, price: $0.001, rewrite: { from: /after, to: /inner } }
  - { path: /named, price: $0.001, paymentIdentifier: optional, keepAnswers: { size: 64KB } }
  - { path: /socket/*, price: free, rewrite: { from: /socket, to: /inner } }
`);
  siege.answer((req, res) => {
    origin = `http://127.0.0.1:${req.socket.localPort}`;
    const status = req.url?.endsWith('/folder') === true ? 301 : 200;
    res.writeHead(status, { Location: `${origin}${req.url}/`, Link: `<${origin}/inner/next>; rel=next` }).end('served');
  });
});
afterEach(() => siege.close());

it('name the public place: free, unpaid and paid', async () => {
  const free = await siege.ask(lastRequest('GET /free/a?b=1'));
  expect(free.all('location')).toEqual(['https://api.example.com/free/a?b=1/']);
  expect(free.all('link')).toEqual(['<https://api.example.com/free/next>; rel=next']);
  const payment = paying(await siege.sign('/after/folder'));
  const moved = await siege.ask(lastRequest('GET /after/folder', [payment]));
  expect([statusOf(moved), moved.all('location')]).toEqual([301, ['https://api.example.com/after/folder/']]);
  // The redirect was not charged.
  const another = paying(await siege.sign('/after/x'));
  const paid = await siege.ask(lastRequest('GET /after/x', [another]));
  expect([statusOf(paid), paid.all('location')]).toEqual([200, ['https://api.example.com/after/x/']]);
});

it('are kept as they were relayed', async () => {
  const key = generatePrivateKey();
  const extensions = { 'payment-identifier': { info: { required: false, id: 'a-purchase-of-16-characters' } } };
  const buy = async (): Promise<readonly string[]> => {
    const payment = await handSigned(key, await siege.quote('/named'));
    const answer = await siege.ask(lastRequest('GET /named', [paying({ ...payment, extensions })]));
    expect(statusOf(answer)).toBe(200);
    return [...answer.all('location'), ...answer.all('link')];
  };
  const first = await buy();
  expect(first).toEqual(['https://api.example.com/named/', '<https://api.example.com/inner/next>; rel=next']);
  const asked = siege.seen.length;
  expect(await buy()).toEqual(first);
  expect(siege.seen.length).toBe(asked);
});

describe('an upgrade', () => {
  it('that the API answers with a redirect has it mapped, too', async () => {
    siege.upgrade((req, socket) => {
      const to = `http://127.0.0.1:${req.socket.localPort}/inner/login`;
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    });
    const peer = await siege.connect();
    peer.send(
      request('GET /socket/a', [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAA',
      ]),
    );
    expect((await peer.until('\r\n\r\n')).toLowerCase()).toContain('location: https://api.example.com/socket/login');
    peer.socket.destroy();
  });
});
