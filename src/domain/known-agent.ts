import type { JsonObject } from './x402.ts';

/** How an agent signs, in the words of RFC 9421. */
export type AgentAlgorithm = 'ed25519' | 'rsa-pss-sha512';

/** A public key that an agent signs its requests with. */
export interface AgentKey {
  /** RFC 7638 thumbprint, base64url: the `keyid` of its signatures. */
  readonly id: string;
  readonly algorithm: AgentAlgorithm;
  /** The members of the JWK that make the key, and no others. */
  readonly jwk: JsonObject;
  /** Unix milliseconds between which it is good; `undefined` for no bound. */
  readonly notBefore: number | undefined;
  readonly notAfter: number | undefined;
}

/** An agent that the operator knows, with the keys that its signatures are checked with. */
export interface KnownAgent {
  /** The origin by which it names itself in `Signature-Agent`. */
  readonly origin: string;
  readonly keys: readonly AgentKey[];
}
