import type { JsonObject } from '../../domain/x402.ts';

/** Where `did:web` of a host is resolved. */
export const DID_PATH = '/.well-known/did.json';

/** The DID of the host where clients reach the gateway. @see https://w3c-ccg.github.io/did-method-web/ */
export function didOf(origin: string): string {
  return `did:web:${encodeURIComponent(new URL(origin).host)}`;
}

/** The document that publishes the public keys of a host's signatures. */
export function didDocument(did: string, methods: readonly (JsonObject & { readonly id: string })[]): JsonObject {
  return {
    '@context': [
      'https://www.w3.org/ns/did/v1',
      'https://w3id.org/security/suites/jws-2020/v1',
      'https://w3id.org/security/suites/secp256k1recovery-2020/v2',
    ],
    id: did,
    verificationMethod: methods,
    assertionMethod: methods.map(({ id }) => id),
  };
}
