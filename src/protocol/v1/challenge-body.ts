import type { PaymentRequirementsV1 } from '../../domain/x402.ts';
import type { ChallengeSubject } from '../challenge.ts';

/**
 * Prepares the v1 body of a route's 402: all but the resource's URL and the error text is serialised here. `undefined`
 * where no offer can be paid by a v1 client.
 */
export function compileBody(subject: ChallengeSubject): ((resourceUrl: string, error: string) => string) | undefined {
  const prepared = compileEntries(subject);
  if (prepared.length === 0) return undefined;
  return (resourceUrl, error) => {
    const url = JSON.stringify(resourceUrl);
    const entries = prepared.map((entry) => `{"resource":${url},${entry}`).join(',');
    return `{"x402Version":1,"error":${JSON.stringify(error)},"accepts":[${entries}]}`;
  };
}

/**
 * The v1 entries without their opening brace and resource. `outputSchema` is left out: v1 clients refuse `null`. They
 * demand a `description` and a `mimeType`, which are empty where the file does not say.
 */
function compileEntries(subject: ChallengeSubject): readonly string[] {
  return subject.offers.flatMap((offer) => {
    if (offer.v1Network === undefined) return [];
    const entry: Omit<PaymentRequirementsV1, 'resource'> = {
      scheme: offer.scheme,
      network: offer.v1Network,
      maxAmountRequired: offer.requirements.amount,
      description: subject.description ?? '',
      mimeType: subject.mimeType ?? '',
      payTo: offer.payTo,
      maxTimeoutSeconds: offer.maxTimeoutSeconds,
      asset: offer.requirements.asset,
      extra: offer.requirements.extra,
    };
    return [JSON.stringify(entry).slice(1)];
  });
}
