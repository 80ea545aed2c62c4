import { PAYMENT_FLOW, type PaymentRequirementsV1 } from '../../domain/x402.ts';
import { outputSchemaV1 } from '../bazaar.ts';
import type { AskedResource, ChallengeSubject, Occasion } from '../challenge.ts';

/** Writes the body of a 402. */
export type ChallengeBodyText = (resource: AskedResource, occasion: Pick<Occasion, 'reason' | 'words'>) => string;

/**
 * Prepares the v1 body of a route's 402: all but the resource's URL and the reason is serialised once for each method.
 * `undefined` where no offer can be paid by a v1 client.
 */
export function compileBody(subject: ChallengeSubject): ChallengeBodyText | undefined {
  if (!subject.offers.some(({ v1Network }) => v1Network !== undefined)) return undefined;
  const prepared = new Map<string, readonly string[]>();
  return ({ url, method }, { reason, words }) => {
    let entries = prepared.get(method);
    if (entries === undefined) {
      entries = compileEntries(subject, method);
      prepared.set(method, entries);
    }
    const resource = JSON.stringify(url);
    const accepts = entries.map((entry) => `{"resource":${resource},${entry}`).join(',');
    // Our own member: version 1 has no place for this text, and its clients ignore unknown members.
    const detail = words === undefined ? '' : `"detail":${JSON.stringify(words)},`;
    return `{"x402Version":1,"error":${JSON.stringify(reason)},${detail}"accepts":[${accepts}]}`;
  };
}

/**
 * The v1 entries without their opening brace and resource. v1 clients refuse an `outputSchema` of `null`, and demand a
 * `description` and a `mimeType`, which are empty where the configuration has none.
 */
function compileEntries(subject: ChallengeSubject, method: string): readonly string[] {
  const call = subject.listing?.calls.of(method);
  return subject.offers.flatMap((offer) => {
    if (offer.v1Network === undefined) return [];
    // v1 has no word for when the money moves.
    const { [PAYMENT_FLOW]: _flow, ...extra } = offer.requirements.extra;
    const entry: Omit<PaymentRequirementsV1, 'resource'> = {
      scheme: offer.scheme,
      network: offer.v1Network,
      maxAmountRequired: offer.requirements.amount,
      description: subject.description ?? '',
      mimeType: subject.mimeType ?? '',
      ...(call === undefined ? {} : { outputSchema: outputSchemaV1(call) }),
      payTo: offer.payTo,
      maxTimeoutSeconds: offer.maxTimeoutSeconds,
      asset: offer.requirements.asset,
      extra,
    };
    return [JSON.stringify(entry).slice(1)];
  });
}
