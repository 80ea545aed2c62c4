import type { UseLimit } from '../domain/use-limit.ts';
import type { UseOutcome } from '../pass/use-counter.ts';
import type { RoutedRequest } from './exchange.ts';
import { UNPAID } from './read-payment.ts';
import type { Services } from './runtime.ts';
import type { Admission, Refusal } from './stages.ts';

/** Headers by name and value. */
type Fields = readonly (readonly [name: string, value: string])[];

/** A use that can be taken: the client, the limit of the route, and the admission that it gives. */
export interface UseTerms {
  /** The limit's name in `RateLimit` headers. */
  readonly name: 'free' | 'key';
  readonly by: string;
  readonly limit: UseLimit;
  readonly admission: Omit<Admission, 'headers' | 'giveBack'>;
}

/** Takes one use of a limit and admits the request with it; `admitFree` tells when the use is given back. */
export function admitByUse(
  request: RoutedRequest,
  { name, by, limit, admission }: UseTerms,
  { uses }: Services,
): Admission | Refusal | undefined | Promise<Admission | Refusal | undefined> {
  const admit = (outcome: UseOutcome): Admission | Refusal | undefined => {
    switch (outcome.kind) {
      case 'taken':
        return { ...admission, headers: rateFields(name, limit, outcome), giveBack: outcome.giveBack };
      case 'used_up':
        return { ...UNPAID, fields: rateFields(name, limit, { remaining: 0, resetMs: outcome.resetMs }) };
      case 'unavailable':
        request.notes.cause = outcome.cause;
        return undefined;
    }
  };
  const taking = uses.take({ of: [request.route.name, name], by }, limit);
  return taking instanceof Promise ? taking.then(admit) : admit(taking);
}

/** Describes a limit to a client whose identity is not known yet. */
export function policyField(name: UseTerms['name'], { requests, perMs }: UseLimit): Fields {
  return [['RateLimit-Policy', `"${name}";q=${requests};w=${Math.ceil(perMs / 1000)}`]];
}

/**
 * Describes a limit to a client, and what is left of it.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
function rateFields(
  name: UseTerms['name'],
  limit: UseLimit,
  { remaining, resetMs }: { readonly remaining: number; readonly resetMs: number },
): Fields {
  return [...policyField(name, limit), ['RateLimit', `"${name}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`]];
}
