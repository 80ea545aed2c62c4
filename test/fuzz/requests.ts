import fc from 'fast-check';
import { FORGED } from './judge.ts';
import { PRICED_HOST } from './price-table.ts';

/** A request in parts, before a payment and the framing of its body are put in. */
export interface DrawnRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: readonly string[];
  readonly body: { readonly framing: 'none' | 'length' | 'chunked'; readonly text: string };
  /** How it pays, if it does. */
  readonly payment: 'none' | 'good' | 'changed' | 'nonsense';
}

const PATHS = [
  '/after/1',
  '/before/x',
  '/before',
  '/deferred/1',
  '/posted',
  '/rewritten/x',
  '/rewritten',
  '/based/x',
  '/inner/x',
  '/mixed/@me',
  '/mixed/x',
  '/socket/paid',
  '/free/x',
  '/',
];

const escapeOf = (char: string): string => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** A path with some characters in another spelling, or with something between its segments. */
const respelt = fc
  .tuple(
    fc.constantFrom(...PATHS),
    fc.array(fc.tuple(fc.nat(30), fc.constantFrom('escape', 'twice', 'upper', 'insert')), { maxLength: 4 }),
    fc.constantFrom(
      '/',
      '/.',
      '/..',
      '/../',
      ';x',
      '%2f',
      '%5c',
      '\\',
      '%00',
      '%20',
      '.',
      '//',
      '%252e',
      '?',
      '#',
      '\u00e9',
      '%c0%af',
      '/x/..',
      ' ',
    ),
  )
  .map(([path, changes, inserted]) =>
    changes.reduce((text, [at, how]) => {
      const index = at % text.length;
      const char = text.charAt(index);
      const changed =
        how === 'escape'
          ? escapeOf(char)
          : how === 'twice'
            ? escapeOf(char).replace('%', '%25')
            : how === 'upper'
              ? char.toUpperCase()
              : inserted + char;
      return text.slice(0, index) + changed + text.slice(index + 1);
    }, path),
  );

const target = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 6, arbitrary: respelt },
  { weight: 1, arbitrary: respelt.map((path) => `http://gw.test${path}`) },
  { weight: 1, arbitrary: respelt.map((path) => `http://${PRICED_HOST}${path}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '*',
      '//evil.test/after/1',
      'http://a@gw.test/',
      'after/1',
      'http:///after/1',
      `/${'a/'.repeat(4000)}`,
      `/after/${'%41'.repeat(2700)}`,
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 60 })
      .map((text) => `/${text}`),
  },
);

const GUARDED_NAMES = [
  'X402-Payer',
  'x402_payer',
  'X402.Amount',
  'X402-Access-Token',
  'PAYMENT-RESPONSE',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'x_forwarded_host',
  'X-Forwarded-Proto',
  'Forwarded',
  'X-Request-Id',
  'Proxy',
  'X-Original-URL',
  'SIGN-IN-WITH-X',
];

const header = fc.oneof(
  fc.constantFrom(...GUARDED_NAMES).map((name) => `${name}: ${FORGED}`),
  fc
    .constantFrom(...GUARDED_NAMES, 'Content-Length', 'Host', 'PAYMENT-SIGNATURE', 'X-Case')
    .map((name) => `Connection: ${name}`),
  fc.constantFrom(
    'Authorization: Bearer tpk_x',
    'Authorization: Basic eDp5',
    'Cookie: a=b',
    'Range: bytes=0-1',
    'Origin: http://a.test',
    'Accept: text/html',
    'Accept-Encoding: gzip, br',
    'Content-Encoding: gzip',
    'TE: trailers, deflate',
    'Access-Control-Request-Method: GET',
    'If-None-Match: *',
    'X-HTTP-Method-Override: OPTIONS',
    'Upgrade: h2c',
    'Expect: 100-continue',
    'Expect: 200-ok',
    'X-PAYMENT: AAAA',
    'PAYMENT-SIGNATURE: ',
  ),
  fc
    .tuple(
      fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.!#$%&*+^`|~'), minLength: 1, maxLength: 20 }),
      fc.string({
        unit: fc
          .integer({ min: 0x20, max: 0xff })
          .filter((code) => code !== 0x7f)
          .map((code) => String.fromCharCode(code)),
        maxLength: 60,
      }),
    )
    .map(([name, value]) => `N${name}: ${value}`),
);

/** Requests that are well-formed HTTP, whatever their content: each gets an answer. */
export const drawnRequest: fc.Arbitrary<DrawnRequest> = fc.record({
  method: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('GET', 'POST') },
    {
      weight: 2,
      arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY', 'PURGE', 'PROPFIND'),
    },
  ),
  target: target.map((text) => text.replaceAll(/[\r\n\0 ]/g, (char) => (char === ' ' ? '%20' : ''))),
  host: fc.oneof(
    { weight: 8, arbitrary: fc.constant('gw.test') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        PRICED_HOST,
        `${PRICED_HOST}:80`,
        'PRICED.test.',
        `x@${PRICED_HOST}`,
        'gw.test/',
        '[::1]',
        '',
        'a b',
      ),
    },
  ),
  headers: fc.array(header, { maxLength: 6 }),
  body: fc.record({
    framing: fc.constantFrom('none' as const, 'none' as const, 'length' as const, 'chunked' as const),
    text: fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.constantFrom('GET /after/1 HTTP/1.1\r\nHost: gw.test\r\n\r\n', 'x'.repeat(100_000)),
    ),
  }),
  payment: fc.oneof(
    { weight: 5, arbitrary: fc.constant('none' as const) },
    { weight: 1, arbitrary: fc.constantFrom('good' as const, 'changed' as const, 'nonsense' as const) },
  ),
});

/** JSON that is no payment, or one of the wrong shape. */
export const nonsensePayment: fc.Arbitrary<string> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }).map((value) => encode(JSON.stringify(value))),
  fc
    .record(
      {
        x402Version: fc.constantFrom(1, 2, 3, '2'),
        accepted: fc.jsonValue(),
        payload: fc.jsonValue(),
        resource: fc.jsonValue(),
        extensions: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map((value) => encode(JSON.stringify(value))),
  fc.base64String({ maxLength: 400 }),
  fc.string({ unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 100 }),
  fc.nat(300).map((depth) => encode('['.repeat(depth * 20) + ']'.repeat(depth * 20))),
);

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** The bytes of a request. It asks for its connection to be closed. */
export function bytesOf(drawn: DrawnRequest, caseId: string, paying: string | undefined): string {
  const { method, target: path, host, headers, body } = drawn;
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, `X-Case: ${caseId}`, ...headers, 'Connection: close'];
  if (paying !== undefined) lines.push(`PAYMENT-SIGNATURE: ${paying}`);
  const text = Buffer.from(body.text, 'utf8').toString('latin1');
  switch (body.framing) {
    case 'none':
      return `${lines.join('\r\n')}\r\n\r\n`;
    case 'length':
      return `${[...lines, `Content-Length: ${text.length}`].join('\r\n')}\r\n\r\n${text}`;
    case 'chunked': {
      const chunk = text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`;
      return `${[...lines, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n${chunk}0\r\n\r\n`;
    }
  }
}
