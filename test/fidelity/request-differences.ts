import type { Difference, Meeting } from './difference.ts';
import { addressed, dropping, find, keepOnly, last } from './difference.ts';
import { type Message, valuesOf, withTrailers } from './message.ts';

/** What the API receives otherwise than it was sent, in the order in which the suite accounts for it. */

const PAYMENT = /^(payment-(required|response|signature)|x-payment(-response)?|sign-in-with-x|settlement-overrides)$/;
const OVERRIDES = /^(x-http-method(-override)?|x-method-override|x-original-ur[il]|x-rewrite-url|proxy)$/;
const HOP_BY_HOP = /^(connection|keep-alive|proxy-(connection|authorization|authenticate)|te|upgrade|http2-settings)$/;
const FORWARDING = /^(x-forwarded-.*|forwarded|x-real-ip|(true-)?client-ip|x-request-id)$/;
/** Methods whose requests state a length even where there is no body (RFC 9110 §8.6). */
const STATES_LENGTH = /^(POST|PUT|PATCH|QUERY|PROPFIND|PROPPATCH)$/;

export const REQUEST_DIFFERENCES: readonly Difference[] = [
  addressed('request', 'version', (draft) => {
    draft.startLine = draft.startLine.replace(/1\.0$/, '1.1');
  }),
  addressed('request', 'absolute-form', (draft) => {
    draft.startLine = draft.startLine.replace(/ https?:\/\/[^/? ]*\/?/i, ' /');
  }),
  addressed('request', 'canonical-path', (draft) => {
    const [method = '', target = '', version = ''] = draft.startLine.split(' ');
    const [path = '', ...query] = target.split('?');
    draft.startLine = [method, [canonicalPath(path), ...query].join('?'), version].join(' ');
  }),
  addressed('request', 'hop-by-hop', (draft) => {
    const nominated = valuesOf(draft.headers, 'connection').join().toLowerCase().split(/ *, */);
    const te = valuesOf(draft.headers, 'te').some((value) => value.includes('trailers'));
    const teAt = draft.headers.findIndex(([name]) => name.toLowerCase() === 'te');
    if (te) draft.headers[teAt] = ['TE-kept', ' trailers'];
    const kept = /^(host|content-length|close|keep-alive)$/;
    dropping(draft, (name) => HOP_BY_HOP.test(name) || (nominated.includes(name) && !kept.test(name)));
    if (te) draft.headers[find(draft, 'te-kept')] = ['TE', ' trailers'];
  }),
  addressed('request', 'expectation', (draft) => dropping(draft, (name) => name === 'expect')),
  addressed('request', 'upload-trailers', (draft) => {
    dropping(draft, (name) => name === 'trailer');
    if (draft.trailers.length > 0) draft.payload = withTrailers(draft.payload, []);
  }),
  addressed('request', 'payment-headers', (draft) => dropping(draft, (name) => PAYMENT.test(name))),
  addressed('request', 'own-names', (draft) => dropping(draft, (name) => /^x402[^a-z0-9]/.test(name))),
  addressed('request', 'own-token', (draft) => {
    draft.headers = draft.headers
      .filter(([name, value]) => !/^authorization:.*bearer +tpk_/i.test(`${name}:${value}`))
      .map(([name, value]) => [name, name === 'Cookie' ? value.replace(/ turnpike_access=[^;]*;/, '') : value]);
  }),
  addressed('request', 'overrides', (draft) => dropping(draft, (name) => OVERRIDES.test(name))),
  addressed('request', 'value-blanks', (draft) => {
    draft.headers = draft.headers.map(([name, value]) => [name, ` ${value.replace(/^[ \t]+|[ \t]+$/g, '')}`]);
  }),
  addressed('request', 'host', (draft, meeting) => {
    dropping(draft, (name) => name === 'host');
    draft.headers.unshift(['host', ` ${meeting.upstreamAuthority}`]);
  }),
  addressed('request', 'connection', (draft, { actual }) => {
    draft.headers.splice(1, 0, ['connection', keepOnly(actual, 'connection', /^ (keep-alive|close)$/)]);
  }),
  addressed('request', 'forwarding', (draft, meeting) => {
    dropping(draft, (name) => FORWARDING.test(name));
    draft.headers.push(
      ['X-Forwarded-For', ' 127.0.0.1'],
      ['X-Forwarded-Proto', ' http'],
      ['X-Forwarded-Host', ` ${meeting.host}`],
      ['X-Request-Id', keepOnly(meeting.actual, 'x-request-id', /^ [0-9a-f]{24}$/)],
    );
  }),
  addressed('request', 'paid-facts', (draft, meeting) => {
    if (meeting.paid === undefined) return;
    const { payer, network, asset, amount, route } = meeting.paid;
    draft.headers.push(['X402-Payer', ` ${payer}`], ['X402-Network', ` ${network}`], ['X402-Asset', ` ${asset}`]);
    draft.headers.push(['X402-Amount', ` ${amount}`], ['X402-Route', ` ${route}`]);
  }),
  addressed('request', 'chunks', chunksAnew),
  addressed('request', 'framing-last', frameLast),
];

/** Boundaries and extensions of chunks are the sender's own; what they carry is the message. */
function chunksAnew(draft: Message, { actual }: Meeting): void {
  if (draft.framing === 'chunked' && actual.content === draft.content) draft.payload = actual.payload;
}

function frameLast(draft: Message): void {
  dropping(draft, (name) => name === 'content-length' || name === 'transfer-encoding');
  const [method = ''] = draft.startLine.split(' ');
  if (draft.content === '' && STATES_LENGTH.test(method)) last(draft, 'content-length', ' 0');
  else if (draft.content === '') return;
  else if (draft.framing === 'chunked') last(draft, 'transfer-encoding', ' chunked');
  else last(draft, 'content-length', ` ${draft.content.length}`);
}

/** RFC 3986 §6.2.2: escapes that need not be are decoded, the others are in upper case; `[`, `]` and `|` need to be. */
function canonicalPath(path: string): string {
  return path
    .replace(/[[\]|]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
    .replace(/%[0-9a-f]{2}/gi, (encoded) => {
      const char = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
      return /[A-Za-z0-9\-._~]/.test(char) ? char : encoded.toUpperCase();
    });
}
