import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ServerIdentity } from '../domain/plan.ts';
import type { Parsed } from '../domain/price.ts';
import type { ClientIdentity, UpstreamTls } from '../domain/upstream.ts';
import { complete, type Decoder, map, type Values } from './decoder.ts';
import { hostName } from './listen-keys.ts';
import type { Place, Source } from './source.ts';
import { text } from './text.ts';

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const CERTIFICATES_RIGHT = `PEM certificates, such as \${file:/etc/ssl/internal-ca.pem}`;
const IDENTITY_RIGHT = `a PEM certificate, such as \${file:/etc/ssl/gateway.pem}`;
const KEY_RIGHT = `an unencrypted PEM private key, such as \${file:/run/secrets/gateway-key.pem}`;

/** The keys of `upstream.tls`. */
export const tlsKeys = map('a map with ca, serverName, or cert and key', {
  ca: {
    decoder: certificates(CERTIFICATES_RIGHT),
    description: "PEM certificates to trust instead of the system's.",
    examples: [`\${file:/etc/ssl/internal-ca.pem}`],
  },
  serverName: {
    decoder: hostName,
    description: 'Name to expect, and to send as SNI. Default: the host of the URL.',
  },
  cert: {
    decoder: certificates(IDENTITY_RIGHT),
    description: 'Certificate for mutual TLS, in PEM with its intermediates after it. Needs `key`.',
    examples: [`\${file:/etc/ssl/gateway.pem}`],
  },
  key: {
    decoder: text({ expects: KEY_RIGHT, multiline: true, secret: true, parse: parseKey }),
    description: 'Private key of `cert`.',
    examples: [`\${file:/run/secrets/gateway-key.pem}`],
  },
});

/** How an https upstream is spoken to. */
export const upstreamTls: Decoder<UpstreamTls> = complete(tlsKeys, (keys, place, source) => {
  const { ca, serverName, cert, key } = keys;
  if (cert === undefined && key === undefined) return { ca, serverName, identity: undefined };
  const identity = pairOf(keys, place, source);
  return identity && { ca, serverName, identity };
});

function pairOf(
  { cert, key }: Partial<Values<(typeof tlsKeys)['keys']>>,
  place: Place,
  source: Source,
): ClientIdentity | undefined {
  const at = (name: string): Place => ({ ...place, path: `${place.path}.${name}` });
  if (cert === undefined) source.report(at('key'), 'there is a key without its certificate', 'cert, next to key');
  else if (key === undefined) source.report(at('cert'), 'there is a certificate without its key', 'key, next to cert');
  else if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    source.report(at('key'), 'the key is not that of the certificate', 'the private key that cert was made for');
  else return { cert, key };
  return undefined;
}

function certificates(right: string): Decoder<string> {
  return text({ expects: right, multiline: true, parse: (given) => parseCertificates(given, right) });
}

function parseCertificates(given: string, right: string): Parsed<string> {
  const found = given.match(PEM) ?? [];
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

function parseKey(given: string): Parsed<string> {
  return privateKey(given) === undefined
    ? { ok: false, wrong: 'the key cannot be read', right: KEY_RIGHT }
    : { ok: true, value: given };
}

function privateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** The keys of `tls`, what the gateway shows to its clients. */
export const serverTlsKeys = map('a map with cert and key', {
  cert: {
    decoder: certificates(IDENTITY_RIGHT),
    required: true,
    description: 'Certificate, in PEM with its intermediates after it.',
    examples: [`\${file:/etc/ssl/gateway.pem}`],
  },
  key: {
    decoder: text({ expects: KEY_RIGHT, multiline: true, secret: true, parse: parseKey }),
    required: true,
    description: 'Private key of `cert`.',
    examples: [`\${file:/run/secrets/gateway-key.pem}`],
  },
});

/** TLS on `listen`. */
export const serverTls: Decoder<ServerIdentity> = complete(serverTlsKeys, (keys, place, source) =>
  pairOf(keys, place, source),
);
