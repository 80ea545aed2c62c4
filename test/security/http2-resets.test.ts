import type { ServerResponse } from 'node:http';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { generatePrivateKey } from 'viem/accounts';
import { afterEach, describe, expect, it } from 'vitest';
import {
  connectHttp2,
  DATA,
  END_HEADERS,
  END_STREAM,
  fields,
  frame,
  HEADERS,
  type Http2Peer,
  requestHead,
  reset,
} from '../support/http2-frames.ts';
import { encodePayment, handSigned } from '../support/payment-header.ts';
import { askHttp2, openHttp2, TLS_SETTING } from '../support/tls-clients.ts';
import { laySiege, type Siege } from './siege.ts';

/** A client that sends requests and resets them at once takes no answer from others. */

const CANCEL = 8;
const open: Siege[] = [];
afterEach(async () => {
  for (const siege of open.splice(0)) await siege.close();
});

/** A connection with a paid call on stream 1, which the API has not answered yet. */
async function payOn(top: string): Promise<{ readonly peer: Http2Peer; readonly answer: ServerResponse }> {
  const siege = await laySiege(`${TLS_SETTING}
${top}
routes:
  - { path: /before, methods: [POST], price: $0.01, settle: before }
  - { path: /free, price: free }
`);
  open.push(siege);
  const called = Promise.withResolvers<ServerResponse>();
  siege.answer((req, res) => (req.url === '/before' ? called.resolve(res) : void res.end('served')));
  const session = openHttp2(siege.port);
  const head = { ':method': 'POST', ':path': '/before', ':scheme': 'https', ':authority': 'gw.test' };
  const { headers } = await askHttp2(session, head);
  session.destroy();
  const [offer] = decodePaymentRequiredHeader(String(headers['payment-required'])).accepts;
  const payment = encodePayment(await handSigned(generatePrivateKey(), offer as never));
  const peer = await connectHttp2(siege.port);
  const pairs = [...Object.entries(head), ['payment-signature', payment]] as [string, string][];
  peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, fields(pairs)));
  return { peer, answer: await called.promise };
}

/** Sends requests and resets them at once. */
function flood(peer: Http2Peer, count: number): void {
  for (let index = 0; index < count; index++) {
    const stream = 2 * index + 3;
    peer.send(requestHead(stream, 'GET', '/free', 'whole'), reset(stream, CANCEL));
  }
}

describe('a flood of resets', () => {
  it('of one client of a trusted proxy does not end what others of it have paid for', async () => {
    const { peer, answer } = await payOn('trustedProxies: [127.0.0.1]');
    flood(peer, 1000);
    await peer.settle();
    answer.end('sold');
    const { payload } = await peer.until(({ type, stream }) => type === DATA && stream === 1);
    expect(payload.toString()).toBe('sold');
    peer.socket.destroy();
  });

  it('ends the connection of any other client', async () => {
    const { peer } = await payOn('');
    flood(peer, 1000);
    await peer.ended;
  });
});
