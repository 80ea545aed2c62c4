import { X509Certificate } from 'node:crypto';
import type { Parsed } from '../domain/price.ts';
import type { Upstream, UpstreamTls } from '../domain/upstream.ts';
import { complete, type Decoder, map, mapped } from './decoder.ts';
import { duration } from './duration.ts';
import { byKind } from './forms.ts';
import { headers } from './header-keys.ts';
import { hostName } from './listen-keys.ts';
import { neverMatches } from './path-pattern.ts';
import { integer, text } from './text.ts';
import { parseHttpUrl, URL_PATTERN } from './url.ts';

const DEFAULT_TIMEOUT = '30s';
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_CONNECTIONS = 128;
const URL_RIGHT = 'an http or https URL such as http://127.0.0.1:8080';
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

type Target = Pick<Upstream, 'origin' | 'basePath'>;

const target: Decoder<Target> = text({ expects: URL_RIGHT, pattern: URL_PATTERN, parse: parseTarget });

const certificates: Decoder<string> = text({
  expects: `PEM certificates, such as \${file:/etc/ssl/internal-ca.pem}`,
  multiline: true,
  parse: parseCertificates,
});

/** The keys of `upstream.tls`. */
export const tlsKeys = map('a map with ca or serverName', {
  ca: {
    decoder: certificates,
    description: "PEM certificates to trust instead of the system's.",
    examples: [`\${file:/etc/ssl/internal-ca.pem}`],
  },
  serverName: {
    decoder: hostName,
    description: 'Name to expect in the certificate and to send as SNI. Default: the host of the URL.',
  },
});

/** The keys of the long form of `upstream`. */
export const upstreamKeys = map('a URL such as http://127.0.0.1:8080, or a map with url', {
  url: {
    decoder: target,
    required: true,
    description: 'Where the API is. A path in it is put before every forwarded path.',
  },
  headers: { decoder: headers, description: 'Headers to set on every forwarded request, such as an API key.' },
  timeout: {
    decoder: duration,
    default: DEFAULT_TIMEOUT,
    description: 'How long until response headers, where the route does not say.',
  },
  connections: {
    decoder: integer('a whole number from 1 to 10000', 1, 10_000),
    default: DEFAULT_CONNECTIONS,
    description: 'Most connections held open to this upstream.',
  },
  tls: {
    decoder: complete(tlsKeys, (tls): UpstreamTls => tls),
    description: 'How an https upstream is verified. Verification cannot be switched off.',
  },
});

/** An API that traffic is forwarded to: its URL, or the long form. */
export const upstream: Decoder<Upstream> = byKind<Upstream>('a URL such as http://127.0.0.1:8080, or a map with url', {
  scalar: mapped(target, (to) => {
    return { ...to, headers: [], timeoutMs: DEFAULT_TIMEOUT_MS, connections: DEFAULT_CONNECTIONS, tls: undefined };
  }),
  map: complete(upstreamKeys, ({ url, headers: set, timeout, connections, tls }, place, source) => {
    if (tls !== undefined && url.origin.startsWith('http:')) {
      source.report({ ...place, path: `${place.path}.tls` }, 'an http upstream has no tls', 'an https URL');
      return undefined;
    }
    return { ...url, headers: set ?? [], timeoutMs: timeout, connections, tls };
  }),
});

function parseTarget(given: string): Parsed<Target> {
  const url = parseHttpUrl(given, { path: true, right: URL_RIGHT });
  if (!url.ok) return url;
  const basePath = url.value.pathname.replace(/\/$/, '');
  const never = neverMatches(basePath);
  if (never !== undefined)
    return { ok: false, wrong: `the path of the URL is not canonical: ${never.wrong}`, right: URL_RIGHT };
  return { ok: true, value: { origin: url.value.origin, basePath } };
}

function parseCertificates(given: string): Parsed<string> {
  const found = given.match(PEM) ?? [];
  const right = `PEM certificates, such as \${file:/etc/ssl/internal-ca.pem}`;
  if (found.length === 0) return { ok: false, wrong: 'there is no PEM certificate in it', right };
  return found.every(isCertificate)
    ? { ok: true, value: given }
    : { ok: false, wrong: 'a certificate in it cannot be read', right };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}
