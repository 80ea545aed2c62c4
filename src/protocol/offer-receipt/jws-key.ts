import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { canonicalJson } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { type OfferPayload, type ReceiptPayload, type ReceiptSigner, seedOf } from './receipt-signer.ts';

/** The bytes before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** Characters of the public key that distinguish keys. */
const FRAGMENT_LENGTH = 11;

/** An Ed25519 key that signs offers and receipts as JSON Web Signatures. It can do nothing with money. */
export class JwsKey implements ReceiptSigner {
  /** What names it in the DID document. */
  readonly method: JsonObject & { readonly id: string };
  readonly #key: KeyObject;
  readonly #header: string;

  /** @param secret base64url of at least 32 bytes */
  constructor(secret: string, did: string) {
    const seed = seedOf(secret, 'turnpike receipt key v1');
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
    const { x = '' } = createPublicKey(this.#key).export({ format: 'jwk' });
    const id = `${did}#${x.slice(0, FRAGMENT_LENGTH)}`;
    this.#header = base64url(JSON.stringify({ alg: 'EdDSA', kid: id }));
    const publicKeyJwk = { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', x };
    this.method = { id, type: 'JsonWebKey2020', controller: did, publicKeyJwk };
  }

  offer(payload: OfferPayload): JsonObject {
    return { format: 'jws', signature: this.#sign({ ...payload }) };
  }

  receipt(payload: ReceiptPayload): JsonObject {
    return { format: 'jws', signature: this.#sign({ ...payload }) };
  }

  /** A compact JWS of a flat object, in canonical JSON (RFC 8785). */
  #sign(payload: Readonly<Record<string, string | number>>): string {
    const signed = `${this.#header}.${base64url(canonicalJson(payload))}`;
    return `${signed}.${sign(null, Buffer.from(signed), this.#key).toString('base64url')}`;
  }
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
