import type { Difference, Meeting } from './difference.ts';
import { addressed, dropping, find, keepOnly, last } from './difference.ts';
import { chunksOf } from './encounter.ts';
import { type Message, valuesOf, withTrailers } from './message.ts';

/** What the client receives otherwise than the API sent it, in the order in which the suite accounts for it. */

const HOP_BY_HOP =
  /^(connection|keep-alive|proxy-(connection|authorization|authenticate)|te|upgrade|http2-settings|alt-svc)$/;
const FORGED = /^(payment-(required|response|signature)|x-payment(-response)?|sign-in-with-x|settlement-overrides)$/;
const SHARED_CACHES = /^(surrogate-control|edge-control|x-accel-expires|.+-cache-control)$/;
const NEVER_TRAILS = /^(set-cookie|x402-[^:]*):/;
const SPOILS_PRIVACY = /^(public|private|s-maxage=?.*)$/;

export const ANSWER_DIFFERENCES: readonly Difference[] = [
  addressed('answer', 'answer-version', (draft) => {
    draft.startLine = draft.startLine.replace(/^HTTP\/1\.0/, 'HTTP/1.1');
  }),
  addressed('answer', 'reason', (draft) => {
    const [, status = '', reason = ''] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(draft.startLine) ?? [];
    draft.startLine = `HTTP/1.1 ${status} ${reason}`;
  }),
  addressed('answer', 'answer-hop-by-hop', (draft) => {
    const nominated = valuesOf(draft.headers, 'connection').join().toLowerCase().split(/ *, */);
    dropping(draft, (name) => HOP_BY_HOP.test(name) || (nominated.includes(name) && name !== 'close'));
  }),
  addressed('answer', 'forged-headers', (draft) => {
    dropping(draft, (name) => FORGED.test(name) || /^x402[^a-z0-9]/.test(name));
  }),
  addressed('answer', 'answer-blanks', (draft) => {
    draft.headers = draft.headers.map(([name, value]) => [name, ` ${value.replace(/^[ \t]+/, '')}`]);
  }),
  addressed('answer', 'answer-trailers', (draft, { minorVersion }) => {
    const isChunked = draft.framing === 'chunked' && minorVersion === 1;
    if (!isChunked) dropping(draft, (name) => name === 'trailer');
    if (draft.trailers.length === 0) return;
    draft.trailers = draft.trailers.filter((line) => isChunked && !NEVER_TRAILS.test(line.toLowerCase()));
    draft.payload = withTrailers(draft.payload, draft.trailers);
  }),
  addressed('answer', 'private', (draft, { paid }) => {
    if (paid !== undefined) keepPrivate(draft);
  }),
  addressed('answer', 'receipt', (draft, { actual, charged }) => {
    if (charged) last(draft, 'PAYMENT-RESPONSE', keepOnly(actual, 'payment-response', /^ [\w+/]+={0,2}$/));
  }),
  addressed('answer', 'opened', (draft, { fromPage }) => {
    const decided = draft.headers.some(([name]) => /^access-control-/i.test(name));
    if (!fromPage || decided) return;
    last(draft, 'Access-Control-Allow-Origin', ' *');
    merge(draft, 'Vary', ['Origin']);
  }),
  addressed('answer', 'exposed', (draft, { charged }) => {
    if (!charged || find(draft, 'access-control-allow-origin') === -1) return;
    merge(draft, 'Access-Control-Expose-Headers', ['PAYMENT-RESPONSE']);
  }),
  addressed('answer', 'answer-framing', reframe),
  addressed('answer', 'answer-chunks', (draft, { actual }) => {
    if (draft.framing === 'chunked' && actual.framing === 'chunked' && actual.content === draft.content)
      draft.payload = withTrailers(actual.payload, draft.trailers);
  }),
  addressed('answer', 'answer-connection', (draft, { actual }) => {
    const value = keepOnly(actual, 'connection', /^ (keep-alive|close)$/);
    const at = find(draft, 'transfer-encoding');
    const own: Message['headers'] = [['Connection', value]];
    if (value === ' keep-alive') own.push(['Keep-Alive', ' timeout=65']);
    draft.headers.splice(at === draft.headers.length - 1 ? at : draft.headers.length, 0, ...own);
  }),
];

/** RFC 9112 §6.3: what ends with its connection, or comes in chunks, is framed anew for this client. */
function reframe(draft: Message, { method, minorVersion }: Meeting): void {
  if (/^HTTP\/1\.1 204/.test(draft.startLine)) dropping(draft, (name) => name === 'content-length');
  const chunked = find(draft, 'transfer-encoding') !== -1;
  if (chunked) dropping(draft, (name) => name === 'transfer-encoding' || name === 'content-length');
  if (method === 'HEAD' || (!chunked && draft.framing !== 'close')) return;
  if (minorVersion === 0) {
    draft.framing = 'close';
    draft.payload = draft.content;
    return;
  }
  if (draft.framing === 'close') draft.payload = chunksOf(draft.content === '' ? [] : [draft.content]);
  draft.framing = 'chunked';
  last(draft, 'Transfer-Encoding', ' chunked');
}

function keepPrivate(draft: Message): void {
  const own = valuesOf(draft.headers, 'cache-control').join().split(/ *, */);
  const kept = own.filter((directive) => directive !== '' && !SPOILS_PRIVACY.test(directive));
  const value = ` ${['private', ...kept].join(', ')}`;
  dropping(draft, (name) => SHARED_CACHES.test(name));
  const at = find(draft, 'cache-control');
  if (at === -1) last(draft, 'Cache-Control', value);
  else {
    const [name = ''] = draft.headers[at] ?? [];
    dropping(draft, (key) => key === 'cache-control');
    draft.headers.splice(at, 0, [name, value]);
  }
  merge(draft, 'Vary', ['PAYMENT-SIGNATURE', 'X-PAYMENT', 'Authorization']);
}

function merge(draft: Message, name: string, values: readonly string[]): void {
  const header = draft.headers[find(draft, name.toLowerCase())];
  if (header === undefined) last(draft, name, ` ${values.join(', ')}`);
  else if (header[1] !== ' *') header[1] += `, ${values.join(', ')}`;
}
