import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { ALL_BYTES, answer, chunksOf, closingAnswer, LARGE } from './encounter.ts';
import type { Script } from './recording-upstream.ts';

/** The answer side of the table. Names say what is odd. */

const TEXT = 'Once more, with feeling.';
const SIZED = `Content-Length: ${TEXT.length}`;
const LATER = 'Date: Wed, 21 Oct 2065 07:28:00 GMT';

/** Status lines, each with a body where its status has one. */
export const STATUSES: readonly (readonly [name: string, script: Script])[] = [
  ...['200 OK', '200 Fine Enough', '200 ', '200 a\tb  c', '200 Gr\xc3\xbc\xc3\x9fe', '200 Gr\xfc\xdfe', '299 Odd'].map(
    plain,
  ),
  ...['201 Created', '202 Accepted', '203 Second Hand', '207 Multi-Status', '226 IM Used'].map(plain),
  ...['400 Bad Request', '401 Who', '402 The API asks too', '403 No', '404 Not Here', '405 Not So', '406 No'].map(
    plain,
  ),
  ...['407 Proxy', '408 Slow', '409 Conflict', '410 Gone', '411 Length', '412 Not Yet', '413 Much', '414 Long'].map(
    plain,
  ),
  ...['415 Odd', '417 No', "418 I'm a teapot", '421 Not Mine', '422 No', '425 Early', '426 Upgrade', '429 Often'].map(
    plain,
  ),
  ...['431 Much', '451 Law', '499 Odd', '500 Oops', '501 Never', '502 Bad', '503 Later', '504 Slow', '511 Login'].map(
    plain,
  ),
  ...['599 Odd', '700 Off the map', '999 The end'].map(plain),
  ...['300 Many', '301 Moved', '302 Found', '303 See', '307 There', '308 For good'].map((status): [string, Script] => [
    status,
    answer(status, ['Location: http://127.0.0.1:1/elsewhere?a#b', 'Content-Length: 0']),
  ]),
  ['a relative redirect', answer('302 Found', ['location: ../x?y', 'Content-Length: 4'], 'over')],
  ['no reason and no blank before it', { bytes: `HTTP/1.1 200\r\n${SIZED}\r\n\r\n${TEXT}`, closes: false }],
];

/** Headers of answers. */
export const ANSWER_HEADERS: readonly (readonly string[])[] = [
  ['Set-Cookie: a=1; Path=/; HttpOnly', 'set-cookie: b=2; Expires=Wed, 21 Oct 2065 07:28:00 GMT', 'Set-Cookie: a=3'],
  ['X-A: 1', 'x-b: 2', 'X-a: 3', 'X-A: 4'],
  ['X-Empty:', 'X-Blank:   ', 'X-Tight:a', 'X-Wide:   a   b  ', 'X-Tab: a\tb'],
  ['X-Latin: \xe4\xf6\xfc\xff', 'X-Utf8: \xc3\xa4', 'Content-Disposition: attachment; filename="\xe4.bin"'],
  ['x-lower: 1', 'X-UPPER: 1', 'X-mIxEd: 1', 'X_Underscore: 1', "X-!#$%&'*+.^`|~: 1"],
  [`X-Long: ${'l'.repeat(15_000)}`],
  Array.from({ length: 90 }, (_, index) => `X-Many-${index}: ${index}`),
  [LATER, 'Server: odd/0.1 (unix)', 'X-Powered-By: steam', 'Age: 7', 'Expires: -1', 'Pragma: no-cache'],
  ['Server: only'],
  ['ETag: W/"a"', 'Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT', 'Accept-Ranges: bytes', 'Vary: Accept'],
  [
    'Cache-Control: public, s-maxage=60',
    'cache-control: max-age=9',
    'Surrogate-Control: max-age=9',
    'CDN-Cache-Control: x',
  ],
  ['Cache-Control: no-store', 'Vary: *'],
  ['WWW-Authenticate: Basic realm="a, b"', 'WWW-Authenticate: Bearer', 'Authentication-Info: x'],
  ['Alt-Svc: h3=":443"; ma=86400', 'Via: 1.1 behind', 'Warning: 110 - "stale"', 'Warning: 199 - "odd"'],
  ['Link: </a>; rel=preload', 'Refresh: 5; url=/y', 'Content-Location: /z', 'Content-Language: de', 'Allow: GET, HEAD'],
  ['Strict-Transport-Security: max-age=9', "Content-Security-Policy: default-src 'self'", 'Clear-Site-Data: "cache"'],
  ['X-Accel-Redirect: /internal', 'X-Sendfile: /etc/passwd', 'X-Accel-Buffering: no', 'Retry-After: 120'],
  ['Access-Control-Allow-Origin: *', 'Access-Control-Expose-Headers: X-A', 'Access-Control-Allow-Credentials: true'],
  ['X-Request-Id: the-apis', 'X-Forwarded-For: the-apis', 'Forwarded: for=api', 'Host: odd'],
  ['Connection: keep-alive, X-Hop', 'X-Hop: 1', 'X-Kept: 1', 'Keep-Alive: timeout=1, max=2'],
  ['Upgrade: h2c', 'Connection: Upgrade'],
  ['TE: x', 'Proxy-Authenticate: Basic', 'Proxy-Connection: close'],
  ['Trailer: X-Never', 'Expect: 100-continue'],
  ['PAYMENT-REQUIRED: forged', 'PAYMENT-RESPONSE: forged', 'X-PAYMENT-RESPONSE: forged', 'Settlement-Overrides: {}'],
  ['X402-Access-Token: forged', 'X402-Payer: forged', 'x402_route: forged'],
  [
    'Content-Type: text/html; charset=utf-8',
    'content-md5: Q2hlY2s=',
    'Digest: sha-256=x',
    'Content-Encoding: identity',
  ],
];

/** Bodies and the ways to frame them. */
export const ANSWER_BODIES: readonly (readonly [name: string, script: Script])[] = [
  ['a length of zero', answer('200 OK', ['Content-Length: 0'])],
  ['every byte', answer('200 OK', ['Content-Length: 256'], ALL_BYTES)],
  ['100 KB', answer('200 OK', [`content-length: ${LARGE.length}`, 'ETag: "l"'], LARGE)],
  [
    '100 KB in chunks',
    answer('200 OK', ['Transfer-Encoding: chunked'], chunksOf([LARGE.slice(0, 70_000), LARGE.slice(70_000)])),
  ],
  ['100 KB until the end', closingAnswer('200 OK', [], LARGE)],
  ['chunks', answer('200 OK', ['X-A: 1', 'transfer-encoding: chunked', 'X-B: 2'], chunksOf(['a', 'bc', ALL_BYTES]))],
  ['no chunk', answer('200 OK', ['Transfer-Encoding: chunked'], chunksOf([]))],
  [
    'odd chunks',
    answer('200 OK', ['Transfer-Encoding: Chunked'], '0005;x="y";z\r\nhello\r\n00A\r\n0123456789\r\n000\r\n\r\n'),
  ],
  [
    'trailers',
    answer(
      '200 OK',
      ['Trailer: X-Sum, X-More', 'Transfer-Encoding: chunked'],
      chunksOf(['hi'], ['X-Sum: 2', 'x-more: \xe4']),
    ),
  ],
  [
    'trailers unannounced',
    answer('200 OK', ['Transfer-Encoding: chunked'], chunksOf(['hi'], ['X-Sum: 2', 'X-Sum: 3'])),
  ],
  [
    'trailers that may not be',
    answer(
      '200 OK',
      ['Transfer-Encoding: chunked'],
      chunksOf(['hi'], ['Set-Cookie: a=b', 'X402-Payer: x', 'X-Sum: 2']),
    ),
  ],
  ['until the end', closingAnswer('200 OK', ['Connection: close'], TEXT)],
  ['until the end, which is at once', closingAnswer('200 OK', ['X-A: 1'], '')],
  ['a length and the end', closingAnswer('200 OK', ['Connection: close', SIZED], TEXT)],
  ['HTTP/1.0 until the end', closingAnswer('200 OK', ['X-A: 1'], TEXT, '1.0')],
  ['HTTP/1.0 with a length', closingAnswer('200 OK', [SIZED], TEXT, '1.0')],
  ['HTTP/1.0 that goes on', answer('200 OK', ['Connection: keep-alive', SIZED], TEXT, '1.0')],
  ...compressed('gzip', gzipSync(TEXT)),
  ...compressed('br', brotliCompressSync(TEXT)),
  ...compressed('zstd', zstdCompressSync(TEXT)),
  ...compressed('deflate', deflateSync(TEXT)),
  ...compressed('gzip, br', Buffer.from('no such coding')),
  [
    'part of it',
    answer('206 Partial Content', ['Content-Range: bytes 0-4/24', 'Content-Length: 5', 'ETag: "p"'], TEXT.slice(0, 5)),
  ],
  ['parts of it', parts()],
  ['no such part', answer('416 Range Not Satisfiable', ['Content-Range: bytes */24', 'Content-Length: 0'])],
  ['204', answer('204 No Content', ['ETag: "n"'])],
  ['204 with a length', answer('204 No Content', ['Content-Length: 0'])],
  ['205', answer('205 Reset Content', ['Content-Length: 0'])],
  ['304', answer('304 Not Modified', ['ETag: "m"', 'Cache-Control: max-age=9', LATER])],
  ['304 with a length', answer('304 Not Modified', ['ETag: "m"', 'Content-Length: 24', 'Content-Type: text/plain'])],
];

/** Answers that others precede. */
export const INTERIM_ANSWERS: readonly (readonly [name: string, script: Script])[] = [
  ['102', interim('102 Processing', [])],
  ['103', interim('103 Early Hints', ['Link: </style.css>; rel=preload', 'link: </b>; rel=preload'])],
  ['199', interim('199 Odd', ['X-A: 1'])],
  [
    '103 twice',
    { bytes: `HTTP/1.1 103 \r\nLink: </a>\r\n\r\n${interim('103 Early Hints', ['Link: </b>']).bytes}`, closes: false },
  ],
];

/** An answer to `HEAD`: the head of another one. */
export function headOf({ bytes, closes }: Script): Script {
  return { bytes: bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4), closes };
}

function plain(status: string): [string, Script] {
  return [status, answer(status, ['Content-Type: text/plain', SIZED], TEXT)];
}

/** An answer that has nothing odd but these headers. */
export function withHeaders(lines: readonly string[]): Script {
  return answer('200 OK', [...lines, SIZED], TEXT);
}

function compressed(coding: string, body: Buffer): [string, Script][] {
  const bytes = body.toString('latin1');
  const headers = [`Content-Encoding: ${coding}`, 'Vary: Accept-Encoding', 'Content-Type: text/plain'];
  return [
    [`${coding} with a length`, answer('200 OK', [...headers, `Content-Length: ${bytes.length}`], bytes)],
    [`${coding} in chunks`, answer('200 OK', [...headers, 'Transfer-Encoding: chunked'], chunksOf([bytes]))],
  ];
}

function interim(status: string, headers: readonly string[]): Script {
  const first = answer(status, headers).bytes;
  return { bytes: first + answer('200 OK', [SIZED], TEXT).bytes, closes: false };
}

function parts(): Script {
  const body = [
    '--p',
    'Content-Range: bytes 0-1/24',
    '',
    'On',
    '--p',
    'Content-Range: bytes 3-4/24',
    '',
    'e ',
    '--p--',
    '',
  ];
  const bytes = body.join('\r\n');
  return answer(
    '206 Partial',
    ['Content-Type: multipart/byteranges; boundary=p', `Content-Length: ${bytes.length}`],
    bytes,
  );
}
