import type { CustomerKeys } from '../domain/customer-keys.ts';
import { KeyCheck, type KnownKey } from '../pass/customer-key.ts';
import type { UseOutcome } from '../pass/use-counter.ts';
import { rateFields } from './admit-free.ts';
import type { RoutedRequest } from './exchange.ts';
import { UNPAID } from './read-payment.ts';
import type { Services } from './runtime.ts';
import type { Admission, Refusal } from './stages.ts';

/** What showing a key came to; `undefined` where the request has to be paid for. */
type Admitted = Admission | Refusal | undefined;

/** Keys of a plan that are ready to be compared. */
const checks = new WeakMap<CustomerKeys, KeyCheck>();

/**
 * Opens a route for a customer whose key is known (`keys`). Any other key is none: the request is asked for money, and
 * nobody learns whether a key was nearly right.
 *
 * Where keys open a number of requests, one is taken in the store before the API is asked, in the way of `admitFree`. A
 * key that has none left pays as everybody does.
 */
export function admitByKey(request: RoutedRequest, services: Services): Admitted | Promise<Admitted> {
  const { route, head } = request;
  const { keys } = route;
  if (keys === undefined) return undefined;
  const text = keyIn(head.rawHeaders, keys.header);
  const known = text === undefined ? undefined : checkOf(keys).find(text);
  if (known === undefined) return undefined;
  const { limit } = keys;
  if (limit === undefined) return admission(request, known, [], () => {});
  const admit = (outcome: UseOutcome): Admitted => {
    switch (outcome.kind) {
      case 'taken':
        return admission(request, known, rateFields('key', limit, outcome), outcome.giveBack);
      case 'used_up':
        return { ...UNPAID, fields: rateFields('key', limit, { remaining: 0, resetMs: outcome.resetMs }) };
      case 'unavailable':
        request.notes.cause = outcome.cause;
        return undefined;
    }
  };
  const taking = services.uses.take({ of: [route.name, 'key'], by: known.hash }, limit);
  return taking instanceof Promise ? taking.then(admit) : admit(taking);
}

function admission(
  { price }: RoutedRequest,
  { label }: KnownKey,
  headers: Admission['headers'],
  giveBack: () => void,
): Admission {
  const facts = { route: price.id, ...(label !== undefined && { customer: label }) };
  return { kind: 'admitted', outcome: 'key', facts, headers, giveBack };
}

function checkOf(keys: CustomerKeys): KeyCheck {
  const known = checks.get(keys) ?? new KeyCheck(keys);
  checks.set(keys, known);
  return known;
}

const BEARER = /^Bearer +/i;

/** The key in a header; none where the header is there more than once, in whatever spelling: the API may read another one. */
function keyIn(rawHeaders: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const given = rawHeaders[index]?.toLowerCase().replaceAll('_', '-');
    if (given !== name) continue;
    if (found !== undefined) return undefined;
    found = rawHeaders[index + 1] ?? '';
  }
  const text = found?.trim();
  return name === 'authorization' ? text?.replace(BEARER, '') : text;
}
