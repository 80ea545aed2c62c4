import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type OddUpstream, openQueueOf } from './odd-answers.ts';
import { answersIn, lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Bytes that the gateway takes for one request must never become two at the API, nor one answer two at the client. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid, price: $0.01 }
  - { path: /*, price: free }
`);
});
beforeEach(() => siege.answer((req, res) => req.on('end', () => res.end('served'))));
afterAll(async () => await siege.close());

const INNER = request('GET /paid', ['X402-Payer: 0xforged']);

/** Heads whose end of message two parsers see in two places. `%` stands for the length of the inner request. */
const TWO_LENGTHS = [
  ['Content-Length: %', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: %'],
  ['Content-Length: 5', 'Content-Length: %'],
  ['Content-Length: %, 5'],
  ['Content-Length: +%'],
  ['Content-Length: -1'],
  ['Content-Length: 0x5'],
  ['Content-Length: % 5'],
  ['Content-Length: 99999999999999999999'],
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding: chunked, identity'],
  ['Transfer-Encoding: identity'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  ['Transfer-Encoding: \x0bchunked'],
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding:\r\n chunked'],
  ['X: y\r\n Transfer-Encoding: chunked'],
  ['X: y\nTransfer-Encoding: chunked'],
  ['X: y\rTransfer-Encoding: chunked'],
  [' Transfer-Encoding: chunked'],
  ['Transfer-Encoding\0: chunked'],
];

describe('a message with two ends', () => {
  it.each(TWO_LENGTHS)('is refused whole: %j', async (...lines) => {
    const before = siege.seen.length;
    const headers = lines.map((line) => line.replace('%', String(INNER.length)));
    const peer = await siege.connect();
    peer.send(request('POST /free', headers, `0\r\n\r\n${INNER}`));
    const answers = answersIn(await peer.ended);
    // Where the parser stops only after the head, the connection may be cut under the answer.
    expect([[], [400]]).toContainEqual(answers.map(statusOf));
    expect(siege.seen.length).toBe(before);
  });

  it.each([
    ['a size that is no number', 'z\r\nhello\r\n0\r\n\r\n'],
    ['a negative size', '-5\r\nhello\r\n0\r\n\r\n'],
    ['a size too large for any integer', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
    ['a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['a bare line feed after the size', '5\nhello\r\n0\r\n\r\n'],
    ['a chunk longer than its size', '5\r\nhello world\r\n0\r\n\r\n'],
    ['an extension with a bare line feed', '5;a\nb\r\nhello\r\n0\r\n\r\n'],
  ])('never arrives whole at the API when its chunks have %s', async (_name, body) => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(request('POST /free', ['Transfer-Encoding: chunked'], body + INNER));
    expect((await peer.ended).toString('latin1')).not.toContain('200 OK');
    expect(siege.seen.slice(before).filter(({ url }) => url === '/paid')).toEqual([]);
  });
});

describe('a request inside a body', () => {
  it.each(['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT'])('stays a body with %s, however it is framed', async (method) => {
    for (const [framing, body] of [
      ['Transfer-Encoding: chunked', `${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`],
      [`Content-Length: ${INNER.length}`, INNER],
    ] as const) {
      const before = siege.seen.length;
      expect(statusOf(await siege.ask(lastRequest(`${method} /free`, [framing], body)))).toBe(200);
      // A request behind it on the same connection to the API shows whether something was left over.
      expect(statusOf(await siege.ask(lastRequest('GET /free/after')))).toBe(200);
      expect(siege.seen.slice(before).map(({ url, body: got }) => [url, got])).toEqual([
        ['/free', INNER],
        ['/free/after', ''],
      ]);
    }
  });

  it('is not left for the next request when the API answers without reading it', async () => {
    siege.answer((_req, res) => res.end('early'));
    const before = siege.seen.length;
    for (let round = 0; round < 3; round += 1) {
      await siege.ask(lastRequest('POST /free', [`Content-Length: ${INNER.length}`], INNER));
      await siege.ask(lastRequest('GET /free/after'));
    }
    expect(siege.seen.slice(before).filter(({ url }) => url === '/paid')).toEqual([]);
  });

  it('is not served after its outer request was refused', async () => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(request('POST /paid', [`Content-Length: ${INNER.length}`], INNER.replace('/paid', '/free')));
    peer.send(lastRequest('GET /free/last'));
    const answers = answersIn(await peer.ended);
    expect(answers.map(statusOf)).toEqual([402, 200]);
    expect(siege.seen.slice(before).map(({ url }) => url)).toEqual(['/free/last']);
  });
});

describe('Expect: 100-continue', () => {
  it('ends the connection with a refusal, or the next request could be taken for the body', async () => {
    const peer = await siege.connect();
    peer.send(request('POST /paid', ['Expect: 100-continue', 'Content-Length: 10']));
    const [answer] = answersIn(await peer.ended);
    expect(answer && statusOf(answer)).toBe(402);
    expect(answer?.all('connection')).toEqual(['close']);
  });

  it.each([
    'y 100-continue',
    '100-continue, 100-continue',
    '100-continue; x',
    '100-continue,',
    '"100-continue"',
  ])('is refused in the spelling %j, which some servers do not read as that', async (value) => {
    const before = siege.seen.length;
    const response = await siege.ask(
      lastRequest('POST /free', [`Expect: ${value}`, `Content-Length: ${INNER.length}`], INNER),
    );
    expect(statusOf(response)).toBe(417);
    expect(siege.seen.length).toBe(before);
  });

  it('is no interim answer to a client of HTTP/1.0, which would read it as the answer', async () => {
    const response = await siege.ask(
      'POST /free HTTP/1.0\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
    );
    expect(statusOf(response)).toBe(200);
    expect(siege.seen.at(-1)?.body).toBe('hi');
  });
});

describe('pipelined requests', () => {
  it('are answered in their order, each with its own answer, and each is priced', async () => {
    siege.answer((req, res) => res.end(req.url?.slice(-1)));
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(['GET /free/1', 'GET /paid', 'GET /free/2', 'HEAD /paid'].map((line) => request(line)).join(''));
    peer.send(lastRequest('GET /free/3'));
    const answers = answersIn(await peer.ended);
    expect(answers.map(statusOf)).toEqual([200, 402, 200, 402, 200]);
    expect(siege.seen.slice(before).map(({ url }) => url)).not.toContain('/paid');
  });

  it('do not share a payment', async () => {
    const before = siege.seen.length;
    const payment = await siege.sign('/paid');
    const peer = await siege.connect();
    peer.send(request('GET /paid', [paying(payment)]).repeat(5) + lastRequest('GET /paid', [paying(payment)]));
    const statuses = answersIn(await peer.ended).map(statusOf);
    expect(statuses.toSorted()).toEqual([200, 409, 409, 409, 409, 409]);
    expect(siege.seen.length - before).toBe(1);
  });
});

describe('an API that sends more than one answer', () => {
  const surplus = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
  const answers = [
    ['after its length', `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${surplus}`],
    ['after its last chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${surplus}`],
    ['after an empty answer', `HTTP/1.1 204 No Content\r\n\r\n${surplus}`],
  ] as const;

  it.each(answers)('%s does not have the surplus taken for the next request', async (_name, bytes) => {
    const odd: OddUpstream = await openQueueOf(bytes);
    const behind = await laySiege(`
routes:
  - { path: /*, price: free, upstream: { url: "${odd.url}", connections: 1 } }
`);
    // The others wait for the one connection while the first is answered.
    const all = await Promise.all([1, 2, 3, 4].map((n) => behind.ask(lastRequest(`GET /${n}`))));
    expect(all.map(({ body }) => body.toString('latin1')).join()).not.toContain('poison');
    await behind.close();
    await odd.close();
  });
});
