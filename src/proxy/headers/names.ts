/*
 * Every header that the gateway removes or keeps to itself, in both directions, with the reason. Nothing outside this
 * folder touches headers of forwarded traffic. Lists are flat, as Node and undici use them: name, value, name, value.
 *
 * Names are compared in lower case, with every character that is no letter or digit read as `-`: CGI, WSGI and Rack
 * show `x402_payer` and `x402-payer` to the API as one variable, some servers `x402.payer` too, so a twin of a header
 * that means something here is removed with it.
 */

/** About one connection only (RFC 9110 §7.6.1, RFC 9112 §9), or a credential for a proxy on the way (RFC 9110 §11.7). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/**
 * Fields of x402's extensions: only for the buyer and the gateway, in both directions. The fields of the protocols
 * themselves come from the protocols; see `payment-fields.ts`.
 */
const EXTENSIONS = [
  'sign-in-with-x',
  // From a resource server to its own x402 library: an upstream could change what the buyer is told or charged.
  'settlement-overrides',
  'payment-settlement',
  // From a gateway to an API, which believes it: a client could write its own.
  'payment-context',
  'extension-responses',
];

/** Ask the API to treat the request as another one than was matched and priced, by names that servers are known to read. */
const OVERRIDES = [
  'x-http-method',
  'x-method',
  'x-request-method',
  // IIS, Symfony, Laminas, Apache's mod_rewrite and the frameworks that learned from them; similar names match
  // `OVERRIDE_NAME`.
  'x-http-method-override',
  'x-original-url',
  'x-rewrite-url',
  'x-custom-url',
  'x-proxy-url',
  'x-request-uri',
  'request-uri',
  'x-http-destinationurl',
  // IIS's own name for the target before it was decoded.
  'x-waws-unencoded-url',
  'unencoded-url',
  // Mount points: WSGI and PHP applications take them off the path.
  'x-script-name',
  'script-name',
  'x-path-info',
  'path-info',
];

/** The same, by the way such names are made: another method, URL or path than that of the request line. */
export const OVERRIDE_NAME =
  /^(?:x-)?(?:[a-z0-9]+-)*(?:(?:original|rewrite|rewritten|override|overridden|replaced)-(?:url|uri|path|method)|(?:method|url|uri|path)-override)(?:-url|-uri)?$/;

/** What never reaches the upstream. */
export const NEVER_FORWARDED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...EXTENSIONS,
  ...OVERRIDES,
  // The upstream's own authority is sent; the client's goes into X-Forwarded-Host. A virtual-hosted upstream would not
  // answer to the client's, and routing must not depend on what a client claims.
  'host',
  // The server in front has answered it; undici cannot wait for a 100.
  'expect',
  // Announces trailers of the upload, which are not forwarded (RFC 9110 §6.5.1 lets an intermediary discard them).
  'trailer',
  // Becomes HTTP_PROXY in CGI ("httpoxy").
  'proxy',
  // Set by the gateway on every request.
  'x-request-id',
]);

/** W3C Trace Context: where the gateway traces, the upstream finds the gateway's span in them, not the client's. */
export const TRACE: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** Tell where a request came from: believed from trusted peers only. `x-forwarded-*` is covered by its prefix. */
export const FORWARDING: ReadonlySet<string> = new Set([
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-original-host',
  'x-original-forwarded-for',
  'x-original-proto',
  'x-host',
  'x-http-host-override',
  'x-scheme',
  'x-url-scheme',
  'front-end-https',
  'x-remote-addr',
  'x-remote-ip',
  'x-originating-ip',
]);

/**
 * Prefix of the gateway's own names. A client's or an upstream's copy is a forgery, also of a name that is added later.
 */
export const OWN_PREFIX = 'x402-';

/** Prefix of forwarding headers: believed from trusted peers only, like {@link FORWARDING}. */
export const FORWARDING_PREFIX = 'x-forwarded-';

/** What never reaches the client. */
export const NEVER_RELAYED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...EXTENSIONS,
  // Names ports of the API's own host (RFC 7838 §3), which clients would try at the host of the gateway.
  'alt-svc',
]);

/** Frames the message: a `Connection` header that names it must not remove it. */
export const FRAMING = 'content-length';

/** Only a head may carry these (RFC 9110 §6.5.1). */
export const NEVER_A_TRAILER: ReadonlySet<string> = new Set([
  FRAMING,
  'host',
  'trailer',
  'content-encoding',
  'content-type',
  'content-range',
  'cache-control',
  'set-cookie',
  'vary',
]);

/** Would let a shared cache keep a paid answer in spite of `Cache-Control: private`. */
export const SHARED_CACHE: ReadonlySet<string> = new Set(['surrogate-control', 'edge-control', 'x-accel-expires']);

/**
 * Fields for certain caches, which these prefer to `Cache-Control` (RFC 9213 §2): `CDN-Cache-Control` and those of vendors,
 * such as `Akamai-Cache-Control` and `X-LiteSpeed-Cache-Control`.
 */
export const SHARED_CACHE_SUFFIX = '-cache-control';

const PLAIN_NAME = /^[a-z0-9-]*$/;
const NOT_ALPHANUMERIC = /[^a-z0-9]/g;

/** A name as it is looked up in these lists. @param lower in lower case */
export function canonical(lower: string): string {
  return PLAIN_NAME.test(lower) ? lower : lower.replaceAll(NOT_ALPHANUMERIC, '-');
}
