import type { AccessTerms } from '../domain/access.ts';
import type { Offer } from '../domain/offer.ts';
import type { IdentifierRule } from '../domain/route.ts';
import type { JsonObject, PaymentRequirementsV1 } from '../domain/x402.ts';
import { ACCESS_PASS, declareAccessPass } from './access-pass.ts';
import { declareIdentifier, PAYMENT_IDENTIFIER } from './payment-identifier.ts';
import { declareSignIn, SIGN_IN_WITH_X, type SignInChallenge } from './sign-in-with-x.ts';

/** What is being paid for, as the price table says it. */
export interface ChallengeSubject {
  readonly description: string | undefined;
  readonly mimeType: string | undefined;
  readonly offers: readonly Offer[];
  /** The `payment-identifier` rule of the route. */
  readonly identifier: IdentifierRule;
  /** The pass that paying buys. */
  readonly access?: AccessTerms | undefined;
  /** How a buyer comes back by signing in; `undefined` where nobody can. */
  readonly signIn?: SignInDesk | undefined;
}

/** What a 402 needs for the sign-in that it declares. */
export interface SignInDesk {
  /** CAIP-2 networks whose accounts can sign in. */
  readonly networks: readonly string[];
  /**
   * What a sign-in for this resource has to state, with a nonce that nobody has seen yet; `undefined` where the resource
   * is not known to be at a host of ours.
   */
  challenge(resourceUrl: string): SignInChallenge | undefined;
}

/**
 * The 402 of one route, for v2 and v1 clients in one response: the `PAYMENT-REQUIRED` header and the v1 JSON body.
 *
 * All that does not depend on the request is serialised and base64-encoded when the plan is made; per request only the
 * resource's URL and the error text are added, and a fresh nonce where a buyer can sign in. The requirements depend on
 * nothing else, so that a paid retry meets the very ones that its 402 stated.
 */
export interface Challenge {
  /** The value of `PAYMENT-REQUIRED`. */
  header(resourceUrl: string, error: string): string;
  /** The v1 body, or `undefined` where no offer can be paid by a v1 client. */
  bodyV1(resourceUrl: string, error: string): string | undefined;
}

/** Prepares the challenge of a route. */
export function compileChallenge(subject: ChallengeSubject): Challenge {
  const accepts = JSON.stringify(subject.offers.map((offer) => offer.requirements));
  const facts = JSON.stringify({ description: subject.description, mimeType: subject.mimeType }).slice(1, -1);
  const resource = `"resource":{${facts}${facts === '' ? '' : ','}"url":`;
  const { signIn } = subject;
  const front = `{"x402Version":2,"accepts":${accepts},`;
  const encodedHead = encodeHead(front + openExtensions({ ...subject, signIn: undefined }) + resource);
  // With a sign-in the head ends inside its `info`, where what is fresh goes in.
  const signInHead = signIn && encodeHead(front + openExtensions(subject));
  const v1 = compileV1(subject);
  const challenge: Challenge = {
    header(resourceUrl, error) {
      const fresh = signIn?.challenge(resourceUrl);
      const tail = `${JSON.stringify(resourceUrl)}},"error":${JSON.stringify(error)}}`;
      if (fresh === undefined || signInHead === undefined) return encodedHead + encode(tail);
      return signInHead + encode(`${JSON.stringify(fresh).slice(1)}}},${resource}${tail}`);
    },
    bodyV1(resourceUrl, error) {
      if (v1.length === 0) return undefined;
      const url = JSON.stringify(resourceUrl);
      const entries = v1.map((entry) => `{"resource":${url},${entry}`).join(',');
      return `{"x402Version":1,"error":${JSON.stringify(error)},"accepts":[${entries}]}`;
    },
  };
  return signIn === undefined ? new RepeatingChallenge(challenge) : challenge;
}

/** Says what it said last without working it out again: most requests of a route ask for the same resource. */
class RepeatingChallenge implements Challenge {
  readonly #inner: Challenge;
  #resourceUrl: string | undefined;
  #error = '';
  #header = '';
  #bodyV1: string | undefined;

  /** @param inner says nothing that must be fresh each time */
  constructor(inner: Challenge) {
    this.#inner = inner;
  }

  header(resourceUrl: string, error: string): string {
    this.#prepare(resourceUrl, error);
    return this.#header;
  }

  bodyV1(resourceUrl: string, error: string): string | undefined {
    this.#prepare(resourceUrl, error);
    return this.#bodyV1;
  }

  #prepare(resourceUrl: string, error: string): void {
    if (resourceUrl === this.#resourceUrl && error === this.#error) return;
    this.#resourceUrl = resourceUrl;
    this.#error = error;
    this.#header = this.#inner.header(resourceUrl, error);
    this.#bodyV1 = this.#inner.bodyV1(resourceUrl, error);
  }
}

/**
 * The `extensions` member with its comma, empty where there is none. With a sign-in, which comes last, it stays open
 * after the fixed members of its `info`.
 */
function openExtensions({ identifier, access, signIn }: ChallengeSubject): string {
  const declared = declareIdentifier(identifier);
  const extensions: JsonObject = {
    ...(declared === undefined ? {} : { [PAYMENT_IDENTIFIER]: declared }),
    ...(access === undefined ? {} : { [ACCESS_PASS]: declareAccessPass(access) }),
  };
  const members = JSON.stringify(extensions).slice(1, -1);
  if (signIn === undefined) return members === '' ? '' : `"extensions":{${members}},`;
  const { rest, info } = declareSignIn(signIn.networks);
  const fixed = `${JSON.stringify(rest).slice(0, -1)},"info":${JSON.stringify(info).slice(0, -1)},`;
  return `"extensions":{${members}${members === '' ? '' : ','}"${SIGN_IN_WITH_X}":${fixed}`;
}

/** White space at the end brings the head to a multiple of three bytes, so that its base64 can stand alone. */
function encodeHead(head: string): string {
  const padding = ' '.repeat((3 - (Buffer.byteLength(head) % 3)) % 3);
  return encode(head + padding);
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** The v1 entries without their opening brace and resource. `outputSchema` is left out: v1 clients refuse `null`. */
function compileV1(subject: ChallengeSubject): readonly string[] {
  return subject.offers.flatMap((offer) => {
    if (offer.v1Network === undefined) return [];
    const entry: Omit<PaymentRequirementsV1, 'resource'> = {
      scheme: offer.scheme,
      network: offer.v1Network,
      maxAmountRequired: offer.requirements.amount,
      description: subject.description ?? '',
      mimeType: subject.mimeType ?? 'application/json',
      payTo: offer.payTo,
      maxTimeoutSeconds: offer.maxTimeoutSeconds,
      asset: offer.requirements.asset,
      extra: offer.requirements.extra,
    };
    return [JSON.stringify(entry).slice(1)];
  });
}
