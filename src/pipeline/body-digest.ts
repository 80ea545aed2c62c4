import { createHash, type Hash, hash } from 'node:crypto';
import type { RequestBody } from '../proxy/request-body.ts';
import type { BodyWatch } from '../proxy/upload-body.ts';

/** SHA-256 of no bytes: a request without a body has a digest, which differs from that of any body. */
const EMPTY = createHash('sha256').digest('hex');

/**
 * Takes the SHA-256 of a request's body on its way to the upstream: a payment is bound to it. Where the payment is
 * bound already, a body that differs is cut off before its end. The digest of a body that was read before is known from
 * the start.
 */
export class BodyDigest implements BodyWatch {
  /** Made with the first bytes: most requests have none. */
  #hash: Hash | undefined;
  readonly #expected: string | undefined;
  #digest: string | undefined;

  /** `expected` is the digest of the request that the payment was first made for, if that is known. */
  constructor(body: Pick<RequestBody, 'held'> | undefined, expected?: string) {
    this.#expected = expected;
    if (body === undefined) this.#digest = EMPTY;
    else if (body.held !== undefined) this.#digest = hash('sha256', body.held);
  }

  /** The digest, hex; `undefined` while the body has not ended, as when an upstream answers before it has read it. */
  get value(): string | undefined {
    return this.#digest;
  }

  /** The digest as a fact for the ledger, where it is known. */
  get fact(): { readonly bodyDigest?: string } {
    return this.#digest === undefined ? {} : { bodyDigest: this.#digest };
  }

  /** Whether the body can still be the expected one: `true` while its digest is not known. */
  get matches(): boolean {
    return this.#expected === undefined || this.#digest === undefined || this.#expected === this.#digest;
  }

  see(chunk: Buffer): undefined {
    this.#hash ??= createHash('sha256');
    this.#hash.update(chunk);
  }

  mayEnd(): boolean {
    this.#digest ??= this.#hash?.digest('hex') ?? EMPTY;
    return this.matches;
  }
}
