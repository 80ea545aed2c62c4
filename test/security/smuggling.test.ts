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

/** Heads for which two parsers see the end of the message at two places. `%` stands for the length of the inner request. */
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
  ['Transfer-Encoding: chunked\x0b'],
  ['Transfer-Encoding: \x00chunked'],
  ['Transfer-Encoding: chunkedx'],
  ['Transfer-Encoding: chunked;q=1'],
  ['Transfer-Encoding: "chunked"'],
  ["Transfer-Encoding: 'chunked'"],
  ['Transfer-Encoding: chunked chunked'],
  ['Transfer-Encoding: chunked, chunked'],
  ['Transfer-Encoding: chunked,'],
  ['Transfer-Encoding: ,chunked'],
  ['Transfer-Encoding: identity, chunked'],
  ['Transfer-Encoding: trailers, chunked'],
  ['Transfer-Encoding:\x0cchunked'],
  ['Transfer-Encoding: ch\x00unked'],
  ['Transfer-Encoding: \xa0chunked'],
  ['Transfer-Encoding: chunk\xe9d'],
  ['Transfer-Encoding: '],
  ['Transfer-Encoding'],
  ['Transfer-Encoding\t: chunked'],
  ['\tTransfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: x'],
  ['Transfer-Encoding: x', 'Transfer-Encoding: chunked'],
  ['Content-Length: %', 'Transfer-Encoding: x'],
  ['Content-Length: %', 'Content-Length: %'],
  ['Content-Length: %', 'Content-Length: 0'],
  ['Content-Length: 1e1'],
  ['Content-Length: 5.0'],
  ['Content-Length: %\x0b'],
  ['Content-Length : %'],
  ['Content-Length'],
  ['X: y\r\n\tContent-Length: %'],
  ['X: y\nContent-Length: %'],
];

/** Names that one server takes for a framing header, and another for a header like any other. */
const LIKE_LENGTHS = [
  'Content_Length: %',
  'Content.Length: %',
  'Transfer_Encoding: chunked',
  'Transfer~Encoding: chunked',
];

describe('a message with an ambiguous end', () => {
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
      // A second request on the same connection to the API shows whether some bytes were left over.
      expect(statusOf(await siege.ask(lastRequest('GET /free/after')))).toBe(200);
      expect(siege.seen.slice(before).map(({ url, body: got }) => [url, got])).toEqual([
        ['/free', INNER],
        ['/free/after', ''],
      ]);
    }
  });

  it.each(
    LIKE_LENGTHS,
  )('is a separate request after %j, which is no framing header here or at the API', async (line) => {
    const before = siege.seen.length;
    const header = line.replace('%', String(INNER.length));
    const peer = await siege.connect();
    peer.send(request('POST /free', [header]) + lastRequest('GET /paid'));
    const answers = answersIn(await peer.ended);
    expect(answers.map(statusOf)).toEqual([200, 402]);
    const seen = siege.seen.slice(before);
    expect(seen.map(({ url, body }) => [url, body])).toEqual([['/free', '']]);
    const names = seen.flatMap(({ rawHeaders }) => rawHeaders.filter((_, index) => index % 2 === 0));
    expect(names.filter((name) => /^(content|transfer)[^a-z-]/i.test(name))).toEqual([]);
  });

  it('is not taken for the next request when the API answers without reading it', async () => {
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

describe('an unread body', () => {
  /** Many requests inside of one body, long enough that it is not read with the head. */
  const NESTED = INNER.replace('/paid', '/free').repeat(3000);

  it.each([
    ['a price', 'POST /paid', 402],
    ['a path with two readings', 'POST //free', 400],
    ['a method that is never forwarded', 'TRACE /free', 405],
    ['an API that answers at once', 'POST /early', 200],
  ])('is never taken for requests after %s', async (_name, line, status) => {
    siege.answer((_req, res) => res.end('early'));
    for (const [framing, body] of [
      [`Content-Length: ${NESTED.length}`, NESTED],
      ['Transfer-Encoding: chunked', `${NESTED.length.toString(16)}\r\n${NESTED}\r\n0\r\n\r\n`],
    ] as const) {
      const before = siege.seen.length;
      const peer = await siege.connect();
      peer.send(request(line, [framing], body) + lastRequest('GET /free/last'));
      const answers = answersIn(await peer.ended);
      expect(answers[0] && statusOf(answers[0])).toBe(status);
      expect(siege.seen.slice(before).map(({ url }) => url)).not.toContain('/free');
      peer.socket.destroy();
    }
  });
});

describe('a line that ends in a bare line feed', () => {
  it.each([
    ['after the request line', 'GET /free HTTP/1.1\nHost: gw.test\r\n\r\n'],
    ['after a header', 'GET /free HTTP/1.1\r\nHost: gw.test\nX: y\r\n\r\n'],
    ['at the end of the head', 'POST /free HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\nhello'],
    ['everywhere', 'GET /free HTTP/1.1\nHost: gw.test\n\n'],
    ['with a bare carriage return instead', 'GET /free HTTP/1.1\rHost: gw.test\r\r'],
  ])('is refused %s', async (_name, bytes) => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.socket.end(bytes, 'latin1');
    expect([[], [400]]).toContainEqual(answersIn(await peer.ended).map(statusOf));
    expect(siege.seen.length).toBe(before);
  });
});

describe('chunks in HTTP/1.0, which has none', () => {
  it.each(['POST', 'GET'])('are refused with %s, and what follows them is not read', async (method) => {
    const before = siege.seen.length;
    const head = 'Host: gw.test\r\nConnection: keep-alive\r\n';
    const peer = await siege.connect();
    peer.send(
      `${method} /free HTTP/1.0\r\n${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /free HTTP/1.0\r\n${head}\r\n`,
    );
    const answers = answersIn(await peer.ended);
    expect(answers.map(statusOf)).toEqual([400]);
    expect(siege.seen.length).toBe(before);
  });
});

describe('chunk extensions', () => {
  it('do not reach the API, and neither do trailers', async () => {
    const before = siege.seen.length;
    const body = '5;a=b;c="d"\r\nhello\r\n0;last\r\nX402-Payer: forged\r\nX-Trailer: 9\r\n\r\n';
    const headers = ['Transfer-Encoding: chunked', 'Trailer: X-Trailer'];
    expect(statusOf(await siege.ask(lastRequest('POST /free', headers, body)))).toBe(200);
    expect(siege.seen.slice(before).map(({ body: got }) => got)).toEqual(['hello']);
    expect(siege.seen.at(-1)?.rawHeaders.join().toLowerCase()).not.toMatch(/x402-payer|trailer/);
  });

  it('are refused when there is no end to them', async () => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    const body = `5;${'a'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n`;
    peer.send(request('POST /free', ['Transfer-Encoding: chunked'], body));
    expect((await peer.ended).toString('latin1')).not.toContain('200 OK');
    expect(siege.seen.slice(before).filter(({ body: got }) => got === 'hello')).toEqual([]);
  });
});

describe('Expect: 100-continue', () => {
  it('ends the connection after a refusal, so that the next request is not taken for the body', async () => {
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
  ])('is refused in the spelling %j, which some servers read differently', async (value) => {
    const before = siege.seen.length;
    const response = await siege.ask(
      lastRequest('POST /free', [`Expect: ${value}`, `Content-Length: ${INNER.length}`], INNER),
    );
    expect(statusOf(response)).toBe(417);
    expect(siege.seen.length).toBe(before);
  });

  it('gets no interim answer in HTTP/1.0, where the client would take it for the final answer', async () => {
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

  it.each(answers)('%s cannot pass the surplus off as the answer to the next request', async (_name, bytes) => {
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

describe('the bytes behind an upgrade that is ignored', () => {
  const UPGRADES: [string, string][] = [
    ['GET to h2c', request('GET /first', ['Connection: Upgrade', 'Upgrade: h2c'])],
    ['POST to h2c', request('POST /first', ['Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 3'], 'abc')],
    [
      'POST to websocket',
      request('POST /first', ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 3'], 'abc'),
    ],
    [
      'chunks',
      request(
        'POST /first',
        ['Connection: Upgrade', 'Upgrade: h2c', 'Transfer-Encoding: chunked'],
        '3\r\nabc\r\n0\r\n\r\n',
      ),
    ],
  ];
  const url = ({ url }: { readonly url: string }): string => url;

  it.each(UPGRADES)('are the next request, though its body comes later (%s)', async (_kind, first) => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    peer.send(first + lastRequest('POST /second', [`Content-Length: ${INNER.length}`]));
    await peer.until('served');
    peer.send(INNER);
    expect(answersIn(await peer.ended).map(statusOf)).toEqual([200, 200]);
    expect(siege.seen.slice(before).map(url)).toEqual(['/first', '/second']);
    expect(siege.seen.at(-1)?.body).toBe(INNER);
  });

  it.each(UPGRADES)('come on a connection that goes on when they come later (%s)', async (_kind, first) => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    for (const byte of first) peer.send(byte);
    await peer.until('served');
    peer.clear();
    peer.send(first);
    await peer.until('served');
    peer.send(lastRequest('GET /last'));
    await peer.ended;
    expect(siege.seen.slice(before).map(url)).toEqual(['/first', '/first', '/last']);
    const sent = siege.seen.slice(before).flatMap(({ rawHeaders }) => rawHeaders.map((text) => text.toLowerCase()));
    expect(sent).not.toContain('upgrade');
  });

  it('are kept of several upgrades, one after another', async () => {
    const before = siege.seen.length;
    const peer = await siege.connect();
    for (const [, first] of UPGRADES) {
      peer.send(first);
      await peer.until('served');
      peer.clear();
    }
    peer.send(lastRequest('GET /last'));
    await peer.ended;
    expect(siege.seen.slice(before).map(({ url, body }) => url + body)).toEqual([
      '/first',
      '/firstabc',
      '/firstabc',
      '/firstabc',
      '/last',
    ]);
  });
});
