import { nominatedBy } from '../../domain/connection-options.ts';
import { findField } from '../../domain/flat-fields.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import { isOwnCookie } from '../carried-token.ts';
import { parseFieldList } from '../field-list.ts';
import { UpstreamFault } from '../upstream-fault.ts';
import { FORBIDDEN_IN_VALUE, mergeInto } from './flat-list.ts';
import { foreignOf } from './header-name.ts';
import { FRAMING, NEVER_A_TRAILER, SHARED_CACHE, SHARED_CACHE_SUFFIX } from './names.ts';
import type { PaymentFields } from './payment-fields.ts';

/** What the gateway knows about a response that it relays. */
export interface RelayContext {
  /** The fields of the payment protocols. */
  readonly fields: PaymentFields;
  /** The client's method. */
  readonly method: string;
  readonly status: number;
  /** Minor HTTP version of the client's request. */
  readonly httpVersionMinor: number;
  /** Whether the answer was paid for, now or by a pass: then no shared cache may store it. */
  readonly paid: boolean;
  /** Whether passes open the route, so that a paid answer depends on the headers that carry one. */
  readonly passes?: boolean;
  /** Whether pages of every origin may read the answer, where the API does not decide that itself. */
  readonly anyOrigin?: boolean;
  /** Headers of the gateway, such as `PAYMENT-RESPONSE`; readable for browsers where the answer is a CORS one. */
  readonly add: readonly (readonly [name: string, value: string])[];
}

/**
 * The headers of the client's response: the upstream's in their order, case and number, without those of its connection
 * and without forged payment headers; for paid answers also kept out of shared caches.
 *
 * @param raw flat list, `UpstreamResponse.rawHeaders`
 * @returns flat list for `writeHead`
 * @throws GatewayError `upstream_invalid_answer` for a value that may not stand in a header
 */
export function relayResponseHeaders(raw: readonly string[], context: RelayContext): string[] {
  const nominated = nominatedBy(raw);
  const framing = framingOf(raw, context);
  const out: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const header = context.fields.read(name);
    const { lower, key } = header;
    const value = foreignOf(header, raw[i + 1] ?? '');
    if (!header.isRelayed || nominated?.has(lower) === true || value === undefined) continue;
    if (lower === FRAMING && !framing.length) continue;
    // An API that sets our cookie could give its buyers the pass of another buyer.
    if (key === 'set-cookie' && isOwnCookie(value)) continue;
    if (lower === 'trailer' && !framing.trailers) continue;
    out.push(name, checked(value));
  }
  if (context.paid) keepPrivate(out, context);
  for (const [name, value] of context.add) out.push(name, checked(value));
  if (context.anyOrigin === true) openToPages(out);
  if (context.add.length > 0) expose(out, context.add);
  return out;
}

/**
 * The headers of an informational response: the same, without those that frame a message. They are hints: a header with
 * an invalid value is left out, and nothing fails.
 *
 * @returns flat list for `writeInformation`
 */
export function relayHints(raw: readonly string[], fields: PaymentFields): string[] {
  const nominated = nominatedBy(raw);
  const out: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const header = fields.read(name);
    const { lower, key } = header;
    const value = foreignOf(header, raw[i + 1] ?? '');
    if (!header.isRelayed || nominated?.has(lower) === true || value === undefined) continue;
    if (key !== FRAMING && key !== 'trailer' && !FORBIDDEN_IN_VALUE.test(value)) out.push(name, value);
  }
  return out;
}

/**
 * Trailers for the client: without those that only a head may carry (RFC 9110 §6.5.1) and forged payment headers.
 *
 * @returns pairs for `addTrailers`
 */
export function relayTrailers(raw: readonly string[], fields: PaymentFields): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const header = fields.read(name);
    const { key } = header;
    const value = foreignOf(header, raw[i + 1] ?? '');
    if (!header.isRelayed || value === undefined) continue;
    if (!NEVER_A_TRAILER.has(key) && !FORBIDDEN_IN_VALUE.test(value)) out.push([name, value]);
  }
  return out;
}

/** Which of the upstream's framing headers hold for the client's response too. */
function framingOf(raw: readonly string[], context: RelayContext): { length: boolean; trailers: boolean } {
  const chunked = findField(raw, 'transfer-encoding') !== -1;
  const bodiless = context.method === 'HEAD' || context.status === 204 || context.status === 304;
  return {
    // A length next to chunks is a smuggling attempt or a mistake; a 204 has none (RFC 9110 §8.6).
    length: !chunked && context.status !== 204,
    // Only a chunked response can have trailers; Node refuses to announce them on any other.
    trailers: chunked && !bodiless && context.httpVersionMinor > 0,
  };
}

function keepPrivate(out: string[], { passes, fields }: RelayContext): void {
  const directives = ['private'];
  let at = -1;
  for (let i = out.length - 2; i >= 0; i -= 2) {
    const { key } = fields.read(out[i] ?? '');
    if (SHARED_CACHE.has(key) || key.endsWith(SHARED_CACHE_SUFFIX)) {
      out.splice(i, 2);
      if (at !== -1) at -= 2;
    } else if (key === 'cache-control') {
      directives.splice(1, 0, ...parseFieldList(out[i + 1] ?? '').filter(isPrivateDirective));
      if (at !== -1) out.splice(at, 2);
      at = i;
    }
  }
  if (at === -1) out.push('Cache-Control', 'private');
  // By its own name: a twin such as `cache_control` would not be read by any cache.
  else out.splice(at, 2, 'Cache-Control', directives.join(', '));
  mergeInto(out, 'Vary', passes === true ? fields.passVary : fields.paidVary);
}

function isPrivateDirective(directive: string): boolean {
  const name = directive.split('=', 1)[0]?.trim().toLowerCase();
  return name !== 'public' && name !== 's-maxage' && name !== 'private';
}

/**
 * Lets scripts of every origin read an answer of an API that knows nothing of CORS: they could send the request, and pay
 * for it. An API that names its origins, or none for this one, decides itself. No cookies come with `*`.
 */
function openToPages(out: string[]): void {
  const decides = (name: string, value: string): boolean =>
    name.startsWith('access-control-') ||
    (name === 'vary' && parseFieldList(value).some((field) => field.toLowerCase() === 'origin'));
  for (let i = 0; i + 1 < out.length; i += 2) {
    if (decides((out[i] ?? '').toLowerCase(), out[i + 1] ?? '')) return;
  }
  out.push('Access-Control-Allow-Origin', '*');
  mergeInto(out, 'Vary', ['Origin']);
}

/** Lets scripts of other origins read what was added, where the API lets them read the answer at all. */
function expose(out: string[], added: RelayContext['add']): void {
  if (findField(out, 'access-control-allow-origin') === -1) return;
  const names = added.map(([name]) => name).filter((name) => name.toLowerCase() !== 'set-cookie');
  mergeInto(out, 'Access-Control-Expose-Headers', names);
}

/** A value with a line break would be read as a header of its own. */
function checked(value: string): string {
  if (!FORBIDDEN_IN_VALUE.test(value)) return value;
  throw new GatewayError('upstream_invalid_answer', {
    cause: new UpstreamFault('A response header holds a character that may not stand in one.', 'possibly'),
  });
}

/** Fields of a head that describe the exact bytes of the body. */
const ABOUT_BYTES: ReadonlySet<string> = new Set(['content-md5', 'digest', 'content-digest', 'repr-digest', 'etag']);

/**
 * The head of an answer whose body was changed.
 *
 * @param raw flat list, as the API sent it
 * @param length of the new body, in bytes; `undefined` where it is not known yet
 */
export function headOfChanged(raw: readonly string[], length: number | undefined): string[] {
  const out: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const lower = raw[i]?.toLowerCase() ?? '';
    if (lower === FRAMING || ABOUT_BYTES.has(lower) || (lower === 'transfer-encoding' && length !== undefined))
      continue;
    out.push(raw[i] ?? '', raw[i + 1] ?? '');
  }
  if (length !== undefined) out.push('Content-Length', String(length));
  return out;
}
