import type { ProtocolHeaders } from '../../domain/protocol-headers.ts';
import { type HeaderName, headerNames, type PaymentNames } from './header-name.ts';
import { canonical } from './names.ts';

/** Everything derived from the fields of the payment protocols. Made once for a list of protocols, not per request. */
export interface PaymentFields {
  /** Reads a header's name, in any case. */
  readonly read: (name: string) => HeaderName;
  /** What payment clients send with a request, as a preflight has to allow it. */
  readonly sent: readonly string[];
  /** Those of {@link sent} that mean nothing to an API, in lower case. */
  readonly hidden: ReadonlySet<string>;
  /** `Access-Control-Allow-Headers` of the gateway's own answers. */
  readonly allowed: string;
  /** `Access-Control-Expose-Headers` of the gateway's own answers. */
  readonly exposed: string;
  /** What a paid answer depends on besides its URL. */
  readonly paidVary: readonly string[];
  /** The same, where passes open the route too. */
  readonly passVary: readonly string[];
}

/** Derives the lists from the protocols, the preferred one first. */
export function paymentFieldsOf(protocols: readonly { readonly headers: ProtocolHeaders }[]): PaymentFields {
  const headers = protocols.map((protocol) => protocol.headers);
  const requests = headers.flatMap(({ request }) => request);
  const responses = headers.flatMap(({ response }) => response);
  const names = namesOf(headers);
  // The official client sends `Access-Control-Expose-Headers`, although it means nothing in a request.
  const sent = unique([...requests, 'SIGN-IN-WITH-X', 'X402-Access-Token', 'Access-Control-Expose-Headers']);
  const paidVary = unique([...requests, 'Authorization']);
  return {
    read: headerNames(names),
    sent,
    hidden: new Set(sent.map((name) => name.toLowerCase()).filter((name) => !names.shared.has(canonical(name)))),
    allowed: unique(['Content-Type', 'Authorization', ...sent]).join(', '),
    exposed: unique([...responses, ...ALWAYS_EXPOSED]).join(', '),
    paidVary,
    passVary: unique([...paidVary, 'X402-Access-Token', 'Cookie', 'SIGN-IN-WITH-X']),
  };
}

const ALWAYS_EXPOSED = [
  'X402-Access-Token',
  'X402-Access-Expires',
  'X402-Access-Remaining',
  'X402-Access-Balance',
  'X402-Access-Charge',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Link',
  'X-Request-Id',
];

/** A name is removed with every value if one protocol has it for itself, even if another shares it with APIs. */
function namesOf(headers: readonly ProtocolHeaders[]): PaymentNames {
  const whole = new Set<string>();
  const shared = new Map<string, readonly ((value: string) => string)[]>();
  for (const { request, response, shared: rules = {} } of headers) {
    for (const name of [...request, ...response]) {
      const rule = rules[name.toLowerCase()];
      const key = canonical(name.toLowerCase());
      if (rule === undefined) whole.add(key);
      else shared.set(key, [...(shared.get(key) ?? []), rule]);
    }
  }
  return { whole, shared };
}

/** Each name once, whatever its case, in the order of its first place. */
function unique(names: readonly string[]): readonly string[] {
  const seen = new Map<string, string>();
  for (const name of names) if (!seen.has(name.toLowerCase())) seen.set(name.toLowerCase(), name);
  return [...seen.values()];
}
