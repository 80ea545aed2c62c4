import type { CustomerKeys } from '../domain/customer-keys.ts';
import { KeyCheck } from '../pass/customer-key.ts';
import { admitByUse } from './admit-by-use.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Services } from './runtime.ts';
import type { Admission, Refusal } from './stages.ts';

/** The result of showing a key; `undefined` where the request has to be paid for. */
type Admitted = Admission | Refusal | undefined;

/** The keys of each plan, prepared for comparison. */
const checks = new WeakMap<CustomerKeys, KeyCheck>();

/**
 * Opens a route for a customer whose key is known (`keys`). An unknown key is ignored, and the request must be paid
 * for: the answer does not reveal whether a key was nearly right.
 *
 * Where keys have a limit of requests, one request is taken in the store before the API is asked, as in `admitFree`.
 * With a used-up key, the request must be paid for.
 */
export function admitByKey(request: RoutedRequest, services: Services): Admitted | Promise<Admitted> {
  const { route, price, head } = request;
  const { keys } = route;
  if (keys === undefined) return undefined;
  const text = keyIn(head.rawHeaders, keys.header);
  const known = text === undefined ? undefined : checkOf(keys).find(text);
  if (known === undefined) return undefined;
  const { limit } = keys;
  const { label, hash } = known;
  const facts = { route: price.id, ...(label !== undefined && { customer: label }) };
  const admission = { kind: 'admitted', outcome: 'key', facts } as const;
  if (limit === undefined) return { ...admission, headers: [], giveBack: () => {} };
  return admitByUse(request, { name: 'key', by: hash, limit, admission }, services);
}

function checkOf(keys: CustomerKeys): KeyCheck {
  let check = checks.get(keys);
  if (check === undefined) {
    check = new KeyCheck(keys);
    checks.set(keys, check);
  }
  return check;
}

const BEARER = /^Bearer +/i;

/**
 * The key in a header. A header that is sent more than once, in any spelling, counts as no key: the API may read
 * another one.
 */
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
