import type { UseLimit } from '../domain/use-limit.ts';
import type { UseOutcome } from '../pass/use-counter.ts';
import { clientGroup } from '../proxy/client-address.ts';
import type { RoutedRequest } from './exchange.ts';
import { UNPAID } from './read-payment.ts';
import type { Services } from './runtime.ts';
import type { Admission, Refusal } from './stages.ts';

/** Headers by name and value. */
type Fields = readonly (readonly [name: string, value: string])[];

/**
 * Lets a request of a client through for nothing, as long as the client has one left (`free`). A batch is never free: it
 * is many calls.
 *
 * | what happens | the use |
 * |---|---|
 * | before the API is asked | taken, in the store; a process that is killed from here on leaves it taken |
 * | the API answers below 500 | taken |
 * | the API answers 5xx, or was not reached | given back |
 * | the client leaves | taken: the API was put to work |
 * | the store does not answer | none is taken: the request is asked for money as any other |
 *
 * Where none is left the request is refused with the price, and with when there are some again.
 */
export function admitFree(
  request: RoutedRequest,
  services: Services,
): Admission | Refusal | undefined | Promise<Admission | Refusal | undefined> {
  const { route, price, head, runtime } = request;
  if (route.free === undefined || price.parts !== undefined) return undefined;
  const { free } = route;
  const by = clientGroup(head, runtime.trustedPeers);
  const admission = { kind: 'admitted', outcome: 'free_quota', facts: { route: price.id } } as const;
  return admitByUse(request, { name: 'free', by, limit: free, admission }, services);
}

/** Who takes a use, of which limit of the route, and what it opens. */
interface UseTerms {
  /** What clients are told the limit is called. */
  readonly name: 'free' | 'key';
  readonly by: string;
  readonly limit: UseLimit;
  readonly admission: Omit<Admission, 'headers' | 'giveBack'>;
}

/** Takes one use of a limit and admits with it; see {@link admitFree} for what becomes of the use. */
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

/**
 * What a client is told of a limit.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
function rateFields(
  name: string,
  { requests, perMs }: UseLimit,
  { remaining, resetMs }: { readonly remaining: number; readonly resetMs: number },
): Fields {
  return [
    ['RateLimit-Policy', `"${name}";q=${requests};w=${Math.ceil(perMs / 1000)}`],
    ['RateLimit', `"${name}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`],
  ];
}
