import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/raw-http.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * A client that wants a dear answer for a cheap price: its request says one thing to the gateway, and another one to the
 * API. Everything goes out as bytes. What reaches the API unpaid is read as leniently as an API could, and is never dear.
 */

const CHEAP = '{"model":"cheap"}';
const DEAR = '{"model":"dear"}';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36';

/** A request as the API got it. */
interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly trailers: IncomingMessage['trailers'];
  readonly body: Buffer;
}

let upstream: TestUpstream;
let gateway: TestGateway;
let arrived: Arrived[];

beforeAll(async () => {
  const api = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await buffer(req);
    const { method = '', url = '', headers, trailers } = req;
    arrived.push({ method, url, headers, trailers, body });
    res.end('served');
  };
  upstream = await startUpstream((req, res) => void api(req, res).catch(() => {}), 0);
  gateway = await startTestGateway(`upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: memory
routes:
  - path: /json
    prices: [{ when: { json: { /model: cheap } }, price: free }, { when: { json: { /model: dear } }, price: $0.01 }]
  - path: /rpc
    prices: [{ when: { jsonrpc: "cheap*" }, price: free }, { when: { jsonrpc: "dear*" }, price: $0.01 }]
  - path: /graphql
    prices: [{ when: { graphql: { field: cheap } }, price: free }, { when: { graphql: { field: dear } }, price: $0.01 }]
  - path: /header
    prices: [{ when: { header: { X-Tier: cheap } }, price: free }, { price: $0.01 }]
  - path: /query
    prices: [{ when: { query: { tier: cheap } }, price: free }, { price: $0.01 }]
  - path: /method
    prices: [{ when: { method: GET }, price: free }, { price: $0.01 }]
  - path: /agent
    prices: [{ when: { agent: browser }, price: free }, { price: $0.01 }]
  - { path: /quota, price: $0.01, free: { requests: 2, per: 3000d } }
`);
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

beforeEach(() => {
  arrived = [];
});

/**
 * Sends bytes, and a plain request after them on another connection: resolves with the statuses of all that came back.
 *
 * @param unfinished whether the gateway would wait for more of them
 */
async function attack(bytes: string | Buffer, unfinished = false): Promise<readonly number[]> {
  const client = await connectRaw(Number(new URL(gateway.url).port));
  client.send(bytes);
  if (unfinished) client.socket.end();
  const answers = (await client.ended).toString('latin1');
  client.socket.destroy();
  const alive = await fetch(`${gateway.url}/json`, { method: 'POST', body: CHEAP });
  expect(alive.status).toBe(200);
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** A POST with its length, and fields before it; the last one of its connection unless they say otherwise. */
function post(path: string, body: string | Buffer, ...fields: readonly string[]): Buffer {
  const bytes = Buffer.from(body as string, 'latin1');
  const last = fields.includes(KEPT) ? [] : ['Connection: close'];
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: gw',
    ...fields,
    ...last,
    `Content-Length: ${bytes.length}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

const KEPT = 'Connection: keep-alive';

/** A POST with this body, as it is; the header fields say where it ends. */
const framed = (fields: readonly string[], body: string, path = '/json'): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: gw',
    ...fields,
    ...(fields.includes(KEPT) ? [] : ['Connection: close']),
    '',
    body,
  ].join('\r\n');

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** All texts that an API could read in a body, also after decompression and in other encodings. */
function couldBeDear({ url, headers, trailers, body }: Arrived): boolean {
  const readings = [body.toString('latin1'), body.toString('utf16le'), url, JSON.stringify(trailers)];
  try {
    readings.push(gunzipSync(body).toString());
  } catch {
    // It is not compressed.
  }
  const tier = `${headers['x-tier'] ?? ''}`;
  return [...readings, tier].some((text) => text.toLowerCase().includes('dear'));
}

/** Nothing dear reached the API, and no answer was an error of the gateway. */
async function expectNothingDear(bytes: string | Buffer, unfinished = false): Promise<readonly number[]> {
  const statuses = await attack(bytes, unfinished);
  expect(arrived.filter(couldBeDear)).toEqual([]);
  expect(statuses.filter((status) => status >= 500)).toEqual([]);
  return statuses;
}

describe('a query that names a member of the body, as servers that merge both read it,', () => {
  it.each([
    '/json?model=dear',
    '/json?a=1&model=dear',
    '/json?Model=dear',
    '/json?mod%65l=dear',
    '/json?model[]=dear',
    '/json?model=cheap&model=dear',
    '/json?a=1;model=dear',
  ])('is refused: %s', async (target) => {
    expect(await expectNothingDear(post(target, CHEAP))).toEqual([400]);
  });

  it.each(['/json?models=1', '/json?a=model', '/rpc?method=x'])('is none: %s', async (target) => {
    const body = target.startsWith('/rpc') ? '{"method":"cheap"}' : CHEAP;
    expect(await attack(post(target, body))).toEqual([200]);
  });
});

describe('a body with an ambiguous end', () => {
  it.each<[string, string]>([
    [
      'a length and chunks',
      framed([`Content-Length: ${CHEAP.length}`, 'Transfer-Encoding: chunked'], `${chunk(DEAR)}0\r\n\r\n`),
    ],
    ['two lengths', framed([`Content-Length: ${CHEAP.length}`, 'Content-Length: 99'], `${CHEAP}${DEAR}`)],
    ['two lengths in one field', framed([`Content-Length: ${CHEAP.length}, 99`], `${CHEAP}${DEAR}`)],
    ['a length with a sign', framed([`Content-Length: +${CHEAP.length}`], `${CHEAP}${DEAR}`)],
    ['a length in hex', framed(['Content-Length: 0x11'], `${CHEAP}${DEAR}`)],
    ['a length of an underscore', framed([`Content_Length: 99`, `Content-Length: ${CHEAP.length}`], `${CHEAP}${DEAR}`)],
    ['chunks that are packed, too', framed(['Transfer-Encoding: gzip, chunked'], `${chunk(CHEAP)}0\r\n\r\n`)],
    [
      'chunks under another name',
      framed(['Transfer-Encoding: xchunked', `Content-Length: ${CHEAP.length}`], `${CHEAP}${DEAR}`),
    ],
    ['chunks behind a tab', framed(['Transfer-Encoding:\tchunked', 'Content-Length: 3'], `${chunk(DEAR)}0\r\n\r\n`)],
    [
      'a chunk that is longer than it says',
      framed(['Transfer-Encoding: chunked'], `11\r\n${CHEAP}${DEAR}\r\n0\r\n\r\n`),
    ],
    ['a size that overflows', framed(['Transfer-Encoding: chunked'], `100000000000000011\r\n${CHEAP}\r\n0\r\n\r\n`)],
    ['a bare line feed between chunks', framed(['Transfer-Encoding: chunked'], `11\n${CHEAP}\n0\n\n${DEAR}`)],
    ['no length at all, in HTTP/1.0', framed([], DEAR).replace('HTTP/1.1', 'HTTP/1.0')],
  ])('is refused, or read as the API reads it: %s', async (_how, bytes) => {
    await expectNothingDear(bytes);
  });

  it('is not priced before it has ended', async () => {
    expect(await expectNothingDear(framed(['Transfer-Encoding: chunked'], chunk(DEAR)), true)).toEqual([]);
    expect(await expectNothingDear(framed(['Content-Length: 99'], CHEAP), true)).toEqual([]);
    expect(arrived.map(({ body }) => body.toString())).toEqual([CHEAP, CHEAP]);
  });

  it('is one body, however it is cut into chunks, with extensions and trailers', async () => {
    const cut = `7;a="${DEAR.replaceAll('"', '')}"\r\n{"model\r\n00000a\r\n":"cheap"}\r\n0\r\nX-Tier: cheap\r\n\r\n`;
    const statuses = await attack(framed(['Transfer-Encoding: chunked'], cut));
    expect(statuses).toEqual([200]);
    expect(arrived[0]?.body.toString()).toBe(CHEAP);
    const dear = [...DEAR].map(chunk).join('');
    expect(await expectNothingDear(framed(['Transfer-Encoding: chunked'], `${dear}0\r\n\r\n`))).toEqual([402]);
  });

  it('may be followed by another request, which is priced by itself', async () => {
    const second = post('/json', DEAR).toString('latin1');
    const statuses = await expectNothingDear(`${post('/json', CHEAP, KEPT).toString('latin1')}${second}`);
    expect(statuses).toEqual([200, 402]);
    expect(await expectNothingDear(framed([KEPT, 'Content-Length: 0'], second))).toEqual([402, 402]);
  });
});

describe('a body that can be read in two ways', () => {
  const packed = gzipSync(DEAR);

  it.each<[string, Buffer]>([
    ['packed', post('/json', packed.toString('latin1'), 'Content-Encoding: gzip')],
    ['packed, it says, and is not', post('/json', CHEAP, 'Content-Encoding: gzip')],
    ['packed under an underscore', post('/json', CHEAP, 'Content_Encoding: gzip')],
    ['packed twice', post('/json', packed.toString('latin1'), 'Content-Encoding: identity, gzip')],
    ['packed in a second field', post('/json', CHEAP, 'Content-Encoding: identity', 'Content-Encoding: deflate')],
    [
      'UTF-16',
      post('/json', Buffer.from(DEAR, 'utf16le').toString('latin1'), 'Content-Type: application/json; charset=utf-16'),
    ],
    ['UTF-16, it says', post('/json', CHEAP, 'Content-Type: application/json; charset=utf-16')],
    [
      'UTF-7',
      post('/json', '{"model":"cheap+ACIALAAi-model+ACIAOgAi-dear"}', 'Content-Type: application/json;charset=utf-7'),
    ],
    ['a form', post('/json', 'model=dear&x={"model":"cheap"}', 'Content-Type: application/x-www-form-urlencoded')],
    [
      'a form, in a second field',
      post('/json', CHEAP, 'Content-Type: application/json', 'Content-Type: application/x-www-form-urlencoded'),
    ],
    [
      'a form, under an underscore',
      post('/json', CHEAP, 'Content-Type: application/json', 'Content_Type: application/x-www-form-urlencoded'),
    ],
    [
      'a form, under a dot',
      post('/json', CHEAP, 'Content-Type: application/json', 'Content.Type: application/x-www-form-urlencoded'),
    ],
    [
      'a form, by a type that goes no further',
      post(
        '/json',
        '{"model":"cheap","x":"&model=dear&"}',
        'Content-Type: application/json',
        'Connection: close, Content-Type',
      ),
    ],
    [
      'parts',
      post(
        '/json',
        `--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ndear\r\n--x--`,
        'Content-Type: multipart/form-data; boundary=x',
      ),
    ],
    ['XML', post('/json', '<model>dear</model>', 'Content-Type: text/xml')],
    ['a mark before it', post('/json', `\xef\xbb\xbf${DEAR}`)],
    ['a key twice', post('/json', '{"model":"dear","model":"cheap"}')],
    ['a key twice, in another case', post('/json', '{"Model":"dear","model":"cheap"}')],
    ['a value behind it', post('/json', `${CHEAP}\n${DEAR}`)],
    ['a value before it', post('/json', `${DEAR}${CHEAP}`)],
    ['nested beyond any reader', post('/json', `${'{"a":'.repeat(5_000)}${DEAR}${'}'.repeat(5_000)}`)],
    ['nested around what decides', post('/json', `[${DEAR},${CHEAP}]`)],
    ['a number of any length', post('/json', `{"model":${'9'.repeat(200_000)}}`)],
    ['a number of any power', post('/json', '{"model":1e999999999,"x":"dear"}')],
    ['a comment', post('/json', '{"model":"cheap"/*"*/,"model":"dear"/**/}')],
    ['NUL', post('/json', `${CHEAP}\0${DEAR}`)],
  ])('is refused, and reaches nobody: %s', async (_how, bytes) => {
    const statuses = await expectNothingDear(bytes);
    expect(statuses.filter((status) => status === 400 || status === 402 || status === 413)).toHaveLength(
      statuses.length,
    );
    expect(arrived.filter(({ body }) => body.toString() !== CHEAP)).toEqual([]);
    expect(arrived).toHaveLength(1);
  });
});

describe('dear calls among cheap ones', () => {
  it.each<[string, string]>([
    ['/rpc', '[{"method":"cheap"},[{"method":"dear"}]]'],
    ['/rpc', '{"0":{"method":"dear"},"method":"cheap","1":{"method":"dear"},"method":"cheap"}'],
    ['/rpc', '[{"method":"cheap"},{"method":"dear"}]'],
    ['/rpc', '[{"method":"cheap"},{"method":["dear"]}]'],
    ['/rpc', '[{"method":"cheap"},{"Method":"dear"}]'],
    ['/rpc', '[{"method":"cheap"},null,{"method":"dear"}]'],
    ['/rpc', `[${'{"method":"cheap"},'.repeat(10_001)}{"method":"dear"}]`],
    ['/rpc', '[]'],
    ['/graphql', '{"query":"query A { cheap } query B { dear }"}'],
    ['/graphql', '{"query":"query A { cheap } query B { dear }","operationName":"B"}'],
    ['/graphql', '{"query":"{ cheap: dear }"}'],
    ['/graphql', '{"query":"{ cheap ... @include(if: false) { dear } }"}'],
    ['/graphql', '{"query":"{ ...A } fragment A on Query { ...B } fragment B on Query { dear ...A }"}'],
    ['/graphql', '{"query":"{ cheap }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"dear"}}}'],
    ['/graphql', '{"id":"dear","query":"{ cheap }"}'],
    ['/graphql', '[{"query":"{ cheap }"},{"query":"{ dear }"}]'],
    ['/graphql?query=%7Bdear%7D', '{"query":"{ cheap }"}'],
    ['/graphql?query=%7Bcheap%7D', '{"query":"{ dear }"}'],
  ])('are priced as dear, or refused: %s %s', async (path, body) => {
    const [status, ...others] = await expectNothingDear(post(path, body));
    expect(others).toEqual([]);
    expect([400, 402]).toContain(status);
  });
});

describe('a request head that can be read in two ways', () => {
  it.each<[string, string]>([
    ['a header twice', 'GET /header HTTP/1.1\r\nHost: gw\r\nX-Tier: cheap\r\nX-Tier: dear'],
    ['a header with an underscore', 'GET /header HTTP/1.1\r\nHost: gw\r\nX-Tier: cheap\r\nX_Tier: dear'],
    ['a header that goes no further', 'GET /header HTTP/1.1\r\nHost: gw\r\nX-Tier: cheap\r\nConnection: X-Tier'],
    ['a key of the query twice', 'GET /query?tier=cheap&tier=dear HTTP/1.1\r\nHost: gw'],
    ['a key that is encoded', 'GET /query?tier=cheap&%74ier=dear HTTP/1.1\r\nHost: gw'],
    ['a key in brackets', 'GET /query?tier=cheap&tier[]=dear HTTP/1.1\r\nHost: gw'],
    ['a key in another case', 'GET /query?tier=cheap&TIER=dear HTTP/1.1\r\nHost: gw'],
    ['a semicolon', 'GET /query?tier=cheap;tier=dear HTTP/1.1\r\nHost: gw'],
    ['another method', 'GET /method HTTP/1.1\r\nHost: gw\r\nX-HTTP-Method-Override: POST'],
    ['another method with underscores', 'GET /method HTTP/1.1\r\nHost: gw\r\nX_HTTP_Method: DELETE'],
    ['two agents', `GET /agent HTTP/1.1\r\nHost: gw\r\nUser-Agent: ${BROWSER}\r\nUser-Agent: curl/8`],
  ])('is refused, and reaches nobody: %s', async (_how, head) => {
    expect(
      await expectNothingDear(
        `${head}\r\nConnection: close\r\n\r\n`.replace(
          'Connection: X-Tier\r\nConnection: close',
          'Connection: X-Tier, close',
        ),
      ),
    ).toEqual([400]);
    expect(arrived.map(({ url }) => url)).toEqual(['/json']);
  });

  it('is not changed by a field of the trailer', async () => {
    const bytes = framed(['Transfer-Encoding: chunked'], '0\r\nX-Tier: cheap\r\n\r\n', '/header');
    expect(await expectNothingDear(bytes)).toEqual([402]);
  });
});

describe('free requests of one client', () => {
  it('are counted for every method, body and connection, and not given back when the client leaves', async () => {
    const statuses = [
      ...(await attack('HEAD /quota HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n')),
      ...(await attack(post('/quota', 'x'))),
      ...(await attack(
        'GET /quota HTTP/1.1\r\nHost: gw\r\nForwarded: for=192.0.2.9\r\nX-Forwarded-For: 192.0.2.9\r\nConnection: close\r\n\r\n',
      )),
      ...(await attack(post('/quota?x=1', '', 'X-Real-IP: 192.0.2.8'))),
    ];
    expect(statuses).toEqual([200, 200, 402, 402]);
  });
});
