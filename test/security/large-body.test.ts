import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseRaw } from '../support/raw-http.ts';
import { codeOf, lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Bodies that are too large or too slow. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
limits: { bodyBytes: 1000 }
routes:
  - { path: /free, price: free }
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
`);
});
afterEach(() => {
  vi.useRealTimers();
  siege.answer((req, res) => req.on('end', () => res.end('served')).resume());
});
afterAll(() => siege.close());

const CHUNKED = 'Transfer-Encoding: chunked';

function chunk(bytes: number): string {
  return `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`;
}

describe('a body over the limit', () => {
  it.each(['/free', '/after', '/none'])('is refused on %s as soon as it is announced', async (path) => {
    const before = siege.seen.length;
    const answer = await siege.ask(lastRequest(`POST ${path}`, ['Content-Length: 1001']));
    expect([statusOf(answer), codeOf(answer)]).toEqual([413, 'request_body_too_large']);
    expect(siege.seen.length).toBe(before);
  });

  it('gets no 100 Continue, and its payment is not verified', async () => {
    const payment = await siege.sign('/after', { method: 'POST' });
    const asked = siege.facilitator?.requests.length;
    const answer = await siege.ask(
      lastRequest('POST /after', [paying(payment), 'Expect: 100-continue', 'Content-Length: 999999']),
    );
    expect(answer.statusLine).toContain('413');
    expect(siege.facilitator?.requests.length).toBe(asked);
    expect(statusOf(await siege.ask(lastRequest('POST /after', [paying(payment), 'Content-Length: 0'])))).toBe(200);
  });

  it('is refused, and a body of exactly the limit is accepted', async () => {
    const exact = lastRequest('POST /free', ['Content-Length: 1000'], 'x'.repeat(1000));
    expect(statusOf(await siege.ask(exact))).toBe(200);
    const inChunks = lastRequest('POST /free', [CHUNKED], `${chunk(600)}${chunk(400)}0\r\n\r\n`);
    expect(statusOf(await siege.ask(inChunks))).toBe(200);
    expect(siege.seen.at(-1)?.body).toHaveLength(1000);
  });

  it.each([
    '/free',
    '/after',
    '/before',
  ])('without a length is cut off at the limit on %s, and never reaches the API whole', async (path) => {
    const cut = Promise.withResolvers<boolean>();
    siege.answer((req) => req.on('close', () => cut.resolve(req.complete)));
    const before = siege.seen.length;
    const header = path === '/free' ? [] : [paying(await siege.sign(path, { method: 'POST' }))];
    const peer = await siege.connect();
    peer.send(request(`POST ${path}`, [...header, CHUNKED], chunk(500) + chunk(400)));
    await siege.asked(before + 1);
    peer.send(`${chunk(101)}0\r\n\r\n`);
    const answer = parseRaw(Buffer.from(await peer.until('}'), 'latin1'));
    expect([statusOf(answer), codeOf(answer)]).toEqual([413, 'request_body_too_large']);
    expect(answer.all('payment-required')).toEqual([]);
    expect(await cut.promise).toBe(false);
    peer.socket.destroy();
  });

  it.each(['/after', '/before'])('leaves its payment valid for a smaller body on %s', async (path) => {
    const header = paying(await siege.sign(path, { method: 'POST' }));
    const over = await siege.ask(lastRequest(`POST ${path}`, [header, CHUNKED], `${chunk(1001)}0\r\n\r\n`));
    expect(statusOf(over)).toBe(413);
    expect(over.all('payment-response')).toHaveLength(path === '/before' ? 1 : 0);
    const within = await siege.ask(lastRequest(`POST ${path}`, [header, CHUNKED], `${chunk(10)}0\r\n\r\n`));
    expect(statusOf(within)).toBe(200);
  });
});

describe('a body that arrives byte by byte', () => {
  it('loses its connection to the API after a time limit', async () => {
    const gone = Promise.withResolvers<void>();
    siege.answer((req) => req.on('close', () => gone.resolve()));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(request('POST /free', ['Content-Length: 900'], 'x'));
    await siege.asked(before + 1);
    const sight = siege.seen.at(-1);
    let sent = 1;
    while (sent < 10 && peer.received.length === 0) {
      await expect.poll(() => sight?.body.length ?? 0, { interval: 1 }).toBe(sent);
      await vi.advanceTimersByTimeAsync(20_000);
      peer.send('x');
      sent += 1;
      if (sent * 20 > 80) await once(peer.socket, 'data');
    }
    const answer = parseRaw(Buffer.from(await peer.until('}'), 'latin1'));
    expect([statusOf(answer), codeOf(answer)]).toEqual([408, 'request_timeout']);
    await gone.promise;
    peer.socket.destroy();
  });
});
