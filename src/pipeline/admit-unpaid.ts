import type { Route } from '../domain/route.ts';
import { admit } from './admit.ts';
import { admitByKey } from './admit-by-key.ts';
import { admitFree } from './admit-free.ts';
import type { RoutedRequest } from './exchange.ts';
import { hasPayment } from './read-payment.ts';
import type { OpenPrice, Services } from './runtime.ts';
import type { Admission, Refusal } from './stages.ts';

/** What opens a route without a payment came to; `undefined` where the request has to be paid for. */
type Admitted = Admission | Refusal | undefined;

/** Whether anything but a payment opens what a price is for. */
export function isOpenUnpaid({ free, keys }: Route, { access }: OpenPrice): boolean {
  return access !== undefined || free !== undefined || keys !== undefined;
}

/**
 * Opens a route for who need not pay: who brings a key of a customer, who holds a pass, and who has a free request left, in
 * this order. A request with a payment is a purchase, whatever else it carries, and takes none of that.
 *
 * @throws GatewayError `store_unavailable`: a pass opens nothing in doubt
 */
export function admitUnpaid(request: RoutedRequest, open: OpenPrice, services: Services): Admitted | Promise<Admitted> {
  if (hasPayment(request)) return undefined;
  return firstOf(
    () => admitByKey(request, services),
    () => admit(request, open, services),
    () => admitFree(request, open, services),
  );
}

/**
 * The first that opens the route. Else the first reason that there was not to: a key or a free request that is used up asks
 * for money as any other request does, so that the next may still open it. What was told of each is told of all then.
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

/** What two ways came to, of which the first did not open the route. */
function both(one: Refusal | undefined, other: Admitted): Admitted {
  if (one === undefined || other?.kind === 'admitted') return other;
  if (other === undefined) return one;
  const fields = [...(one.fields ?? []), ...(other.fields ?? [])];
  return fields.length === 0 ? other : { ...other, fields };
}
