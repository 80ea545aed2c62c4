import type { Offer } from '../domain/offer.ts';
import type { IdentifierRule } from '../domain/route.ts';
import type { PaymentRequirementsV1 } from '../domain/x402.ts';
import { declareIdentifier, PAYMENT_IDENTIFIER } from './payment-identifier.ts';

/** What is being paid for, as the price table says it. */
export interface ChallengeSubject {
  readonly description: string | undefined;
  readonly mimeType: string | undefined;
  readonly offers: readonly Offer[];
  /** The `payment-identifier` rule of the route. */
  readonly identifier: IdentifierRule;
}

/**
 * The 402 of one route, for v2 and v1 clients in one response: the `PAYMENT-REQUIRED` header and the v1 JSON body.
 *
 * All that does not depend on the request is serialised and base64-encoded when the plan is made; per request only the
 * resource's URL and the error text are added. The output depends on nothing else, so that a paid retry meets the very
 * requirements that its 402 stated.
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
  const declared = declareIdentifier(subject.identifier);
  const extensions =
    declared === undefined ? '' : `"extensions":${JSON.stringify({ [PAYMENT_IDENTIFIER]: declared })},`;
  const head = `{"x402Version":2,"accepts":${accepts},${extensions}"resource":{${facts}${facts === '' ? '' : ','}"url":`;
  // White space after the colon brings the head to a multiple of three bytes, so that its base64 can stand alone.
  const padding = ' '.repeat((3 - (Buffer.byteLength(head) % 3)) % 3);
  const encodedHead = Buffer.from(head + padding, 'utf8').toString('base64');
  const v1 = compileV1(subject);
  return {
    header(resourceUrl, error) {
      const tail = `${JSON.stringify(resourceUrl)}},"error":${JSON.stringify(error)}}`;
      return encodedHead + Buffer.from(tail, 'utf8').toString('base64');
    },
    bodyV1(resourceUrl, error) {
      if (v1.length === 0) return undefined;
      const url = JSON.stringify(resourceUrl);
      const entries = v1.map((entry) => `{"resource":${url},${entry}`).join(',');
      return `{"x402Version":1,"error":${JSON.stringify(error)},"accepts":[${entries}]}`;
    },
  };
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
