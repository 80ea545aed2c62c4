import { LRUCache } from 'lru-cache';
import type { Pass, PassId } from '../domain/pass.ts';
import type { Passes } from '../store/passes.ts';
import { type AccessToken, isSignedWith, readToken, writeToken } from './token.ts';
import type { SigningKey } from './token-keys.ts';

/** Most verified tokens that are remembered. Some 500 bytes each. */
const MAX_TOKENS = 100_000;
/** Most passes of other versions of the price table whose routes are remembered. */
const MAX_PASSES = 10_000;

/** The result of checking a token, before it is compared with a route. */
export type TokenCheck =
  | { readonly kind: 'signed'; readonly token: AccessToken }
  /** Text that no gateway writes. */
  | { readonly kind: 'malformed' }
  /** Altered, or signed with a key that is not ours (any more). */
  | { readonly kind: 'unsigned' };

/**
 * Writes and checks tokens with the keys of one plan. A verified token is remembered by its whole text, so that another
 * text can never share its result. A plan without one of the keys has a checker of its own, with an empty memory.
 */
export class AccessTokens {
  readonly #keys: ReadonlyMap<string, SigningKey>;
  readonly #newest: SigningKey;
  readonly #verified = new LRUCache<string, AccessToken>({ max: MAX_TOKENS });
  /** One copy of each scope and version, which verified tokens share: there are as many as were ever sold. */
  readonly #shared = new Map<string, string>();
  /** What a pass was sold for never changes: a payment under other terms makes another pass. */
  readonly #opens = new LRUCache<PassId, readonly string[]>({ max: MAX_PASSES });

  /** @param keys newest first; the first one signs, all of them are valid */
  constructor(keys: readonly [SigningKey, ...SigningKey[]]) {
    this.#newest = keys[0];
    this.#keys = new Map([...keys].reverse().map((key) => [key.id, key]));
  }

  /** The token of a pass. */
  write(pass: Pass): string {
    return writeToken(pass, this.#newest);
  }

  /** Checks form and signature, without network or disk; a token that was seen lately costs one look-up. */
  check(text: string): TokenCheck {
    const known = this.#verified.get(text);
    if (known !== undefined) return { kind: 'signed', token: known };
    const read = readToken(text);
    if (read === undefined) return { kind: 'malformed' };
    const key = this.#keys.get(read.keyId);
    if (key === undefined || !isSignedWith(read, key)) return { kind: 'unsigned' };
    const { scope, version } = read.token;
    const token: AccessToken = { ...read.token, scope: this.#share(scope), version: this.#share(version) };
    this.#verified.set(text, token);
    return { kind: 'signed', token };
  }

  #share(text: string): string {
    const known = this.#shared.get(text);
    if (known === undefined) this.#shared.set(text, text);
    return known ?? text;
  }

  /**
   * The fingerprints of the routes that a pass was sold for, for tokens of another version of the price table. Asks the
   * store once; an unknown pass opens nothing.
   *
   * @throws GatewayError `store_unavailable`
   */
  async opensOf(id: PassId, passes: Pick<Passes, 'findPass'>): Promise<readonly string[]> {
    const known = this.#opens.get(id);
    if (known !== undefined) return known;
    const opens = (await passes.findPass(id))?.opens ?? [];
    this.#opens.set(id, opens);
    return opens;
  }
}
