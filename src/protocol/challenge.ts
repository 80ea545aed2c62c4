import type { AccessTerms } from '../domain/access.ts';
import type { BuilderCode } from '../domain/builder-code.ts';
import type { RouteCalls } from '../domain/discovery.ts';
import type { ErrorCode } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { RequestHeaders } from '../domain/request-head.ts';
import type { IdentifierRule, PathPattern } from '../domain/route.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { GasSponsoring } from './gas-sponsoring.ts';
import type { McpPrice } from './mcp-form.ts';
import type { OfferReceipts } from './offer-receipt/offer-receipts.ts';
import type { Protocol } from './protocol.ts';
import type { SignInChallenge } from './sign-in-with-x.ts';

/** The facts of the price table about a paid route. */
export interface ChallengeSubject {
  /** Name of the route. */
  readonly route: string;
  readonly description: string | undefined;
  readonly mimeType: string | undefined;
  readonly offers: readonly Offer[];
  /** The `payment-identifier` rule of the route. */
  readonly identifier: IdentifierRule;
  /** The pass that paying buys. */
  readonly access?: AccessTerms | undefined;
  /** How a client signs in; `undefined` where it cannot. */
  readonly signIn?: SignInDeclaration | undefined;
  /** The facts for catalogues; `undefined` where the configuration publishes none. */
  readonly listing?: Listing | undefined;
  /** How facilitators pay for the approval of Permit2 that a payer may lack. Default: they do not. */
  readonly sponsoring?: readonly GasSponsoring[];
  /** The codes that settlements are attributed to. */
  readonly builderCode?: BuilderCode | undefined;
  /** Signs the offers; absent where they are not signed. */
  readonly receipts?: OfferReceipts | undefined;
}

/** The facts of a route for catalogues of paid APIs. */
export interface Listing {
  readonly pattern: PathPattern;
  readonly calls: RouteCalls;
  /** Of the service: printable ASCII of up to 32 characters. */
  readonly serviceName: string | undefined;
  /** Up to five, each printable ASCII of up to 32 characters. */
  readonly tags: readonly string[];
  /** An `http` or `https` URL of a public host. */
  readonly iconUrl: string | undefined;
}

/** What a 402 needs for the sign-in that it declares. */
export interface SignInDeclaration {
  /** CAIP-2 networks whose accounts may sign in. */
  readonly networks: readonly string[];
  /** What wallets show above the fields; part of the signed message. */
  readonly statement: string;
  /**
   * The facts that a sign-in for this resource must state, with a fresh nonce; `undefined` where the resource's host is
   * not known to be ours.
   */
  challenge(resourceUrl: string): SignInChallenge | undefined;
}

/** Why the price is stated now. */
export interface Occasion {
  readonly code: ErrorCode;
  /** A specification's reason string where there is one. */
  readonly reason: string;
  /**
   * The reason's meaning here, for people. Never in `error`, which machines compare with the specification's reasons.
   */
  readonly words?: string | undefined;
  /** The protocol that a payment came in; `undefined` where none was brought. */
  readonly broughtBy?: Protocol | undefined;
  /** The headers of the request; a challenge that reads them does not repeat. */
  readonly headers?: RequestHeaders;
}

/** The requested resource. */
export interface AskedResource {
  /** As the client sees it. */
  readonly url: string;
  /** Upper case. */
  readonly method: string;
  /** Canonical. */
  readonly path: string;
}

/** A body that a protocol needs in a 402. */
export interface ChallengeBody {
  readonly contentType: string;
  readonly text: string;
}

/** What one protocol adds to a 402. */
export interface Contribution {
  /** Flat list of names and values. A name may be there more than once. */
  readonly headers: readonly string[];
  /**
   * If several protocols have a body, the preferred one's is sent; if none has, a problem document is. A client that
   * sent a payment of a protocol with problem types gets a problem document too.
   */
  readonly body: ChallengeBody | undefined;
  /** The `type` of the problem document, where the protocol has types of its own. */
  readonly problemType?: string;
}

/** How one protocol states the price of a route. */
export interface Challenge {
  /** Whether the same request and occasion always get the same text: then the text is kept. */
  readonly repeats: boolean;
  /** @param beside bytes of the head that the less preferred protocols take: optional parts are left out accordingly */
  state(resource: AskedResource, occasion: Occasion, beside?: number): Contribution;
  /** The same as an object, for messages; absent where the protocol has none of its own. */
  price?(resource: AskedResource, occasion: Occasion): JsonObject;
}

/** How the price of a route is stated, in all its protocols. */
export interface RouteChallenge extends Pick<Challenge, 'repeats' | 'state'> {
  /** For messages of MCP, by the protocols that have a form there. */
  prices(resource: AskedResource, occasion: Occasion): readonly McpPrice[];
}

/**
 * The 402 of one route, for the clients of every protocol in one response. The protocols are in the order of
 * preference.
 *
 * The requirements in it do not depend on the request, so a paid retry meets the same requirements as its 402 stated.
 */
export function composeChallenge(protocols: readonly Protocol[], subject: ChallengeSubject): RouteChallenge {
  const parts = protocols.map((protocol) => protocol.challenge(subject));
  const prices = pricesOf(protocols, parts);
  const state = (resource: AskedResource, occasion: Occasion): Contribution => {
    const asked = stateAll(parts, resource, occasion);
    // If the client's preferences exclude every protocol, the 402 states all prices anyway.
    const stated = asked.some(isPrice) ? asked : stateAll(parts, resource, { ...occasion, headers: {} });
    const own = occasion.broughtBy && stated[protocols.indexOf(occasion.broughtBy)];
    const { body, problemType } = own?.problemType === undefined ? firstOf(stated) : own;
    return { headers: stated.flatMap(({ headers }) => headers), body, ...(problemType && { problemType }) };
  };
  return parts.every(({ repeats }) => repeats)
    ? new RepeatingChallenge(state, prices)
    : { repeats: false, state, prices };
}

/** In reverse order, since each is given the length of the later ones. */
function stateAll(parts: readonly Challenge[], resource: AskedResource, occasion: Occasion): readonly Contribution[] {
  let beside = 0;
  const reversed = parts.toReversed().map((part) => {
    const stated = part.state(resource, occasion, beside);
    beside += headLength(stated.headers);
    return stated;
  });
  return reversed.reverse();
}

function isPrice({ headers, body }: Contribution): boolean {
  return headers.length > 0 || body !== undefined;
}

/** What headers take of a head, with the colon and the line end of each. @param headers flat, as in {@link Contribution} */
function headLength(headers: readonly string[]): number {
  return headers.reduce((sum, text) => sum + text.length + 2, 0);
}

function pricesOf(protocols: readonly Protocol[], parts: readonly Challenge[]): RouteChallenge['prices'] {
  return (resource, occasion) =>
    protocols.flatMap(({ mcp }, index): McpPrice[] => {
      const price = parts[index]?.price?.(resource, occasion);
      return mcp === undefined || price === undefined ? [] : [{ form: mcp.price, price }];
    });
}

/** The body or problem type of the preferred protocol that has one, for a client that used none. */
function firstOf(stated: readonly Contribution[]): Pick<Contribution, 'body' | 'problemType'> {
  return stated.find(({ body, problemType }) => body ?? problemType) ?? { body: undefined };
}

/** Keeps its last result: most requests of a route ask for the same resource. */
class RepeatingChallenge implements RouteChallenge {
  readonly repeats = true;
  readonly prices: RouteChallenge['prices'];
  readonly #state: Challenge['state'];
  #url: string | undefined;
  #method = '';
  #code: ErrorCode | undefined;
  #reason = '';
  #words: string | undefined;
  #said: Contribution = { headers: [], body: undefined };

  /** @param state returns nothing that must be fresh each time */
  constructor(state: Challenge['state'], prices: RouteChallenge['prices']) {
    this.#state = state;
    this.prices = prices;
  }

  state(resource: AskedResource, occasion: Occasion): Contribution {
    const { code, reason, words } = occasion;
    const { url, method } = resource;
    const isSameOccasion = reason === this.#reason && code === this.#code && words === this.#words;
    if (isSameOccasion && url === this.#url && method === this.#method) return this.#said;
    this.#said = this.#state(resource, occasion);
    this.#url = url;
    this.#method = method;
    this.#reason = reason;
    this.#words = words;
    this.#code = code;
    return this.#said;
  }
}
