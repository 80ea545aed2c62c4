import { gzipSync } from 'node:zlib';
import {
  ALL_BYTES,
  type Body,
  chunked,
  chunksOf,
  HOST,
  LARGE,
  NO_BODY,
  type RequestParts,
  sized,
} from './encounter.ts';

/** The request side of the table: methods, bodies, targets, header lines, versions. */

export const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'REPORT',
  'MKCOL',
  'LOCK',
  'PURGE',
  'SEARCH',
  'LINK',
  'M-SEARCH',
  'QUERY',
];

const MULTIPART = [
  '--b0undary',
  'Content-Disposition: form-data; name="file"; filename="\xe4.bin"',
  '',
  ALL_BYTES,
  '--b0undary--',
  '',
].join('\r\n');

export const BODIES: readonly Body[] = [
  NO_BODY,
  { name: 'a length of zero', headers: ['Content-Length: 0'], bytes: '' },
  sized('a short text', 'hello', 'Content-Type: text/plain; charset=latin1'),
  sized('every byte', ALL_BYTES),
  sized('JSON', '{"a":[1,2,{"b":"\\u0000"}]}', 'content-type: application/json'),
  sized('a form', 'a=b&a=c&%zz=+', 'Content-Type: application/x-www-form-urlencoded'),
  sized('multipart', MULTIPART, 'Content-Type: multipart/form-data; boundary=b0undary'),
  sized('gzip', gzipSync('squeezed').toString('latin1'), 'Content-Encoding: gzip'),
  sized('100 KB', LARGE),
  chunked('one chunk', ['hello']),
  chunked('many chunks', ['h', 'el', 'lo', ALL_BYTES, '0\r\n\r\n']),
  chunked('no chunk', []),
  chunked('100 KB in chunks', [LARGE.slice(0, 60_000), LARGE.slice(60_000)]),
  { ...chunked('trailers', ['hello'], ['X-Sum: 5']), headers: ['Trailer: X-Sum', 'Transfer-Encoding: chunked'] },
  {
    name: 'chunk extensions',
    headers: ['transfer-encoding: Chunked'],
    bytes: `0005;a=b;c="d e"\r\nhello\r\n${chunksOf(['!'])}`,
  },
];

const LONG_QUERY = `?q=${'abc%20'.repeat(1000)}`;

export const TARGETS: readonly string[] = [
  '/',
  '/a/',
  '/a/b/c/',
  '/a%20b',
  '/%7Euser',
  '/%41%42',
  '/%c3%bc',
  '/a+b',
  '/a:b@c',
  '/a,b=c',
  "/!$&'()*",
  '/~u/-._',
  '/[x]',
  '/a|b',
  '/%5bx%5d',
  '/...',
  '/.well-known/a',
  '/a?',
  '/a?b',
  '/a?b=c&b=d&=&&',
  '/a?%00%zz%',
  '/a?x=/../..//;a\\b',
  '/a?b=c?d=e?',
  '/a?[x]={"a":1}|^`<>',
  '/a?%E4%c3%BC',
  '/a?next=http://127.0.0.1:1/',
  `/a${LONG_QUERY}`,
  `/${'a'.repeat(6000)}`,
  `http://${HOST}/free/absolute?x=1`,
  `HTTP://${HOST.toUpperCase()}/free/absolute`,
  `http://${HOST}`,
  `http://${HOST}?only=a-query`,
];

/** Header lines, one list for each client. Names in their own spelling. */
export const HEADER_LINES: readonly (readonly string[])[] = [
  ['Authorization: Basic dXNlcjpwYXNz'],
  ['Authorization: Bearer eyJhbGciOi.J9.x'],
  ['authorization: Digest username="a", nonce="b, c"'],
  ['Authorization: Bearer tpk_not-the-apis'],
  ['Cookie: a=b; c="d, e"', 'Cookie: f=g'],
  ['Cookie: a=b; turnpike_access=tpk_x; c=d', 'X-Turnpike-Access: kept', 'Cookie: turnpike_accessed=e'],
  ['X-A: 1', 'X-B: 2', 'x-a: 3', 'X-A: 4'],
  ['X-Empty:', 'X-Blank:   '],
  ['X-Latin: \xe4\xf6\xfc\xff', 'X-Utf8: \xc3\xa4'],
  ['X-Tab: a\tb', 'X-Wide:    a   b   ', 'X-Tight:a'],
  ['x-lower: 1', 'X-UPPER: 1', 'X-mIxEd: 1'],
  ['X_Underscore: 1', "X-!#$%&'*+.^`|~: 1"],
  [`X-Long: ${'l'.repeat(15_000)}`],
  Array.from({ length: 90 }, (_, index) => `X-Many-${index}: ${index}`),
  ['Accept: text/html', 'Accept: */*;q=0.1', 'Accept-Language: de, en;q=0.5'],
  ['Accept-Encoding: gzip, br, zstd;q=0.5, identity;q=0'],
  ['Range: bytes=0-4'],
  ['Range: bytes=0-1,3-4,-1', 'If-Range: "v1"'],
  ['If-None-Match: "a", W/"b"', 'If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT'],
  ['If-Match: *', 'If-Unmodified-Since: Wed, 21 Oct 2015 07:28:00 GMT'],
  ['Cache-Control: no-cache, max-age=0', 'Pragma: no-cache'],
  ['Origin: https://shop.test', 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Site: cross-site', 'DNT: 1'],
  ['Referer: https://shop.test/a?b#c', 'User-Agent: Odd/1.0 (like none; x)'],
  ['Via: 1.0 old, 1.1 newer', 'Max-Forwards: 3', 'From: a@b.test'],
  ['traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'baggage: a=b'],
  ['Priority: u=1, i', 'Early-Data: 1', 'Prefer: return=minimal', 'Depth: infinity', 'Destination: /free/y'],
  ['Warning: 199 - "x"', 'Idempotency-Key: "k"', 'X-Requested-With: XMLHttpRequest'],
  ['Content-Type: text/odd', 'Content-Language: de', 'Content-Location: /z', 'Last-Modified: never'],
  ['X-Forwarded-For: 6.6.6.6', 'x-forwarded-proto: https', 'X-Forwarded-Host: evil.test', 'X-Forwarded-Port: 1'],
  ['Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6', 'True-Client-IP: 6.6.6.6', 'X-Request-Id: mine'],
  ['X-HTTP-Method-Override: DELETE', 'X-Method-Override: PUT', 'X-Original-URL: /y', 'X-Rewrite-URL: /y'],
  ['Proxy: http://evil.test', 'Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic eA=='],
  ['X402-Payer: 0xforged', 'x402_amount: 1', 'X402.Route: forged', 'X402-Anything: forged'],
  ['SIGN-IN-WITH-X: forged', 'PAYMENT-RESPONSE: forged', 'Settlement-Overrides: {}'],
  ['Connection: keep-alive, X-Hop', 'X-Hop: 1', 'X-Kept: 1', 'Keep-Alive: timeout=5'],
  ['Connection: close'],
  ['Connection: X-Forwarded-For, X-Request-Id, Host, , ,x-odd', 'X-Odd: gone'],
  ['TE: trailers, deflate;q=0.5', 'Connection: TE'],
  ['TE: gzip'],
  ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA', 'Connection: Upgrade, HTTP2-Settings'],
  ['Upgrade: TLS/1.0, odd/2', 'Connection: upgrade'],
];

/** Requests of clients that speak of connections in other ways. */
export const VERSIONS: readonly (RequestParts & { readonly name: string })[] = [
  { name: 'HTTP/1.0', version: '1.0' },
  { name: 'HTTP/1.0 that keeps its connection', version: '1.0', headers: ['Connection: keep-alive'] },
  { name: 'HTTP/1.1 that closes', headers: ['Connection: close'] },
];

/** Uploads of clients that wait to be asked for their body. */
export const EXPECTATIONS: readonly RequestParts[] = [
  { method: 'POST', headers: ['Expect: 100-continue'], body: sized('', 'asked for') },
  { method: 'PUT', headers: ['expect: 100-Continue'], body: sized('', LARGE) },
  { method: 'POST', headers: ['Expect: 100-continue'], body: chunked('', ['asked', ' for']) },
  { method: 'POST', version: '1.0', headers: ['Expect: 100-continue'], body: sized('', 'sent at once') },
  { method: 'GET', headers: ['Expect: 100-continue', 'Connection: close'] },
];
