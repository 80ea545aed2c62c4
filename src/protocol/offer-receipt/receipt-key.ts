import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { JsonObject } from '../../domain/x402.ts';

/** Where `did:web` of a host is resolved. */
export const DID_PATH = '/.well-known/did.json';

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** Characters of the public key by which one key is told from the next one. */
const FRAGMENT_LENGTH = 11;

/**
 * The key that signs offers and receipts, and the document by which everybody finds its public half. It is made from the
 * secret that all processes on a store share, so that they sign as one; it can do nothing with money.
 */
export class ReceiptKey {
  /** The DID document of the host. */
  readonly document: JsonObject;
  readonly #key: KeyObject;
  readonly #header: string;

  /**
   * @param secret base64url of at least 32 bytes
   * @param origin where clients reach the gateway
   */
  constructor(secret: string, origin: string) {
    const seed = createHmac('sha256', Buffer.from(secret, 'base64url')).update('turnpike receipt key v1').digest();
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
    const { x = '' } = createPublicKey(this.#key).export({ format: 'jwk' });
    const did = `did:web:${encodeURIComponent(new URL(origin).host)}`;
    const kid = `${did}#${x.slice(0, FRAGMENT_LENGTH)}`;
    this.#header = base64url(JSON.stringify({ alg: 'EdDSA', kid }));
    this.document = {
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/suites/jws-2020/v1'],
      id: did,
      verificationMethod: [
        {
          id: kid,
          type: 'JsonWebKey2020',
          controller: did,
          publicKeyJwk: { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', x },
        },
      ],
      assertionMethod: [kid],
    };
  }

  /** A compact JWS of a flat object, in canonical JSON (RFC 8785). */
  sign(payload: Readonly<Record<string, string | number>>): string {
    const names = Object.keys(payload).sort();
    const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, payload[name]])));
    const signed = `${this.#header}.${base64url(canonical)}`;
    return `${signed}.${sign(null, Buffer.from(signed), this.#key).toString('base64url')}`;
  }
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
