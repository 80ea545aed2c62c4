import { createHmac, timingSafeEqual } from 'node:crypto';
import { remember } from '../../domain/remember.ts';

/** The facts that an id covers, each as it is on the wire; absent ones are empty. */
export interface BoundFacts {
  readonly realm: string;
  readonly method: string;
  readonly intent: string;
  readonly request: string;
  readonly expires: string;
  readonly digest: string;
  readonly opaque: string;
}

/** The field for credentials that no challenge has to name. */
export const DEFAULT_HEADER = 'authorization';

/**
 * The id of a challenge: a MAC over all bound facts, so that the gateway recognises its own challenges without storing
 * them.
 *
 * A field for credentials other than `Authorization` is bound too, in the place that `mppx` gives it.
 *
 * @see draft-httpauth-payment-00, "Recommended: HMAC-SHA256 Binding"
 */
export function challengeId(key: string | Buffer, facts: BoundFacts, header: string): string {
  const { realm, method, intent, request, expires, digest, opaque } = facts;
  const named = header.toLowerCase() === DEFAULT_HEADER ? [] : [header];
  const bound = [realm, method, intent, request, expires, digest, ...named, opaque].join('|');
  return createHmac('sha256', key).update(bound, 'utf8').digest('base64url');
}

/** Most routes whose keys are kept at once. */
const MOST_ROUTES = 4096;

/** Makes the ids of challenges, and knows them again. */
export class ChallengeIds {
  readonly #keysOf: (route: string) => readonly Buffer[];
  readonly #header: string;

  /**
   * @param secrets at least 32 bytes each, newest first: the first one signs, all of them are known
   * @param header the field that credentials come in
   */
  constructor(secrets: readonly [Buffer, ...Buffer[]], header: string) {
    this.#header = header;
    // A key for each route: a challenge of one route is worth nothing on another route of the same price.
    this.#keysOf = remember(MOST_ROUTES, (route: string) => secrets.map((secret) => keyOf(secret, route)));
  }

  issue(route: string, facts: BoundFacts): string {
    const [key] = this.#keysOf(route);
    if (key === undefined) throw new Error('there is no secret to sign challenges with');
    return challengeId(key, facts, this.#header);
  }

  /** Whether an id is one that was issued for this route and these facts. */
  isOurs(id: string, route: string, facts: BoundFacts): boolean {
    return this.#keysOf(route).some((key) => isSame(id, challengeId(key, facts, this.#header)));
  }
}

function keyOf(secret: Buffer, route: string): Buffer {
  return createHmac('sha256', secret).update(`turnpike mpp challenge v1|${route}`, 'utf8').digest();
}

function isSame(given: string, ours: string): boolean {
  const [one, other] = [Buffer.from(given, 'utf8'), Buffer.from(ours, 'utf8')];
  return one.length === other.length && timingSafeEqual(one, other);
}
