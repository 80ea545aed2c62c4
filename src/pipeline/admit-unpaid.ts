import type { Route } from '../domain/route.ts';
import { admit } from './admit.ts';
import { admitByKey } from './admit-by-key.ts';
import { admitFree } from './admit-free.ts';
import type { RoutedRequest } from './exchange.ts';
import { hasPayment } from './read-payment.ts';
import type { OpenPrice, Services } from './runtime.ts';
import type { Admission, Refusal } from './stages.ts';

/** The result for a request without a payment; `undefined` where the request has to be paid for. */
type Admitted = Admission | Refusal | undefined;

/** Whether a price can be opened without a payment. */
export function isOpenUnpaid({ free, keys }: Route, { access }: OpenPrice): boolean {
  return access !== undefined || free !== undefined || keys !== undefined;
}

/**
 * Opens a route without a payment, by the first of: a customer's key, a pass, a free request. A request with a payment
 * is a purchase, whatever else it carries, and uses none of these.
 *
 * @throws GatewayError `store_unavailable`: in doubt a pass opens nothing
 */
export function admitUnpaid(request: RoutedRequest, open: OpenPrice, services: Services): Admitted | Promise<Admitted> {
  if (hasPayment(request)) return undefined;
  const { keys, free } = request.route;
  if (keys === undefined && free === undefined) return admit(request, open, services);
  return firstOf(
    () => admitByKey(request, services),
    () => admit(request, open, services),
    () => admitFree(request, open, services),
  );
}

/**
 * The first admission, or the first refusal other than `payment_required`. A used-up key or free quota only asks for a
 * payment, so the next way is tried. If no way opens the route, the headers of all refusals are sent together.
 */
function firstOf(...ways: readonly (() => Admitted | Promise<Admitted>)[]): Admitted | Promise<Admitted> {
  const [way, ...others] = ways;
  if (way === undefined) return undefined;
  const orElse = (admitted: Admitted): Admitted | Promise<Admitted> => {
    if (admitted?.kind === 'admitted' || others.length === 0) return admitted;
    if (admitted !== undefined && admitted.code !== 'payment_required') return admitted;
    const next = firstOf(...others);
    return next instanceof Promise ? next.then((found) => both(admitted, found)) : both(admitted, next);
  };
  const admitting = way();
  return admitting instanceof Promise ? admitting.then(orElse) : orElse(admitting);
}

/** Combines the results of two ways, of which the first did not open the route. */
function both(one: Refusal | undefined, other: Admitted): Admitted {
  if (one === undefined || other?.kind === 'admitted') return other;
  if (other === undefined) return one;
  const fields = [...(one.fields ?? []), ...(other.fields ?? [])];
  return fields.length === 0 ? other : { ...other, fields };
}
