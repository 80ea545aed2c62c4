import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** Lifetime of a token, in seconds: what Coinbase's own SDK uses. */
const LIFETIME_SECONDS = 120;

/** PKCS #8 wrapping of a bare 32-byte Ed25519 seed (RFC 8410 §7). */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Makes the bearer token for one request. `nowSeconds` in Unix seconds, `nonce` 16 random bytes. */
export type CdpTokenMaker = (method: 'GET' | 'POST', url: URL, nowSeconds: number, nonce: Buffer) => string;

/**
 * Opens a Coinbase Developer Platform API key. A token is good for one method, host and path only, so each request
 * gets its own.
 *
 * @param cdp `keySecret` is a PEM EC P-256 key (signs ES256) or the base64 of an Ed25519 seed and public key (EdDSA).
 * @throws Error when the secret is neither; the message does not contain it.
 */
export function openCdpKey(cdp: { readonly keyId: string; readonly keySecret: string }): CdpTokenMaker {
  const { key, alg } = readKey(cdp.keySecret);
  return (method, url, nowSeconds, nonce) => {
    const header = { alg, kid: cdp.keyId, typ: 'JWT', nonce: nonce.toString('hex') };
    const claims = {
      sub: cdp.keyId,
      iss: 'cdp',
      uris: [`${method} ${url.host}${url.pathname}`],
      iat: nowSeconds,
      nbf: nowSeconds,
      exp: nowSeconds + LIFETIME_SECONDS,
    };
    const signed = `${base64UrlJson(header)}.${base64UrlJson(claims)}`;
    // JOSE wants r||s, not the DER that OpenSSL gives by default (RFC 7518 §3.4).
    const signature =
      alg === 'ES256'
        ? sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
        : sign(null, Buffer.from(signed), key);
    return `${signed}.${signature.toString('base64url')}`;
  };
}

function readKey(secret: string): { readonly key: KeyObject; readonly alg: 'ES256' | 'EdDSA' } {
  try {
    // Keys that went through an environment variable often carry `\n` as two characters.
    if (secret.includes('-----BEGIN')) return readEcKey(secret.replaceAll('\\n', '\n'));
    return readEd25519Key(Buffer.from(secret.trim(), 'base64'));
  } catch (cause) {
    throw new Error(
      'The facilitator key `cdp.keySecret` cannot be used.\n' +
        'Give the secret as Coinbase issued it: a PEM EC P-256 private key, or base64 of a 64-byte Ed25519 key.',
      { cause },
    );
  }
}

function readEcKey(pem: string): { readonly key: KeyObject; readonly alg: 'ES256' } {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Error('not a P-256 key');
  }
  return { key, alg: 'ES256' };
}

function readEd25519Key(bytes: Buffer): { readonly key: KeyObject; readonly alg: 'EdDSA' } {
  if (bytes.byteLength !== 64) throw new Error(`${bytes.byteLength} bytes, not 64`);
  const der = Buffer.concat([ED25519_PKCS8, bytes.subarray(0, 32)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  // The second half repeats the public key; if it differs the text was damaged on its way here.
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  if (!publicKey.equals(bytes.subarray(32))) throw new Error('the two halves do not belong together');
  return { key, alg: 'EdDSA' };
}

function base64UrlJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
