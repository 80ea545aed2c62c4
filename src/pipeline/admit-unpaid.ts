import type { Route } from '../domain/route.ts';
import { admit } from './admit.ts';
import { admitFree } from './admit-free.ts';
import type { RoutedRequest } from './exchange.ts';
import { hasPayment } from './read-payment.ts';
import type { OpenPrice, Services } from './runtime.ts';
import type { Admission, Refusal } from './stages.ts';

/** What opens a route without a payment came to; `undefined` where the request has to be paid for. */
type Admitted = Admission | Refusal | undefined;

/** Whether anything but a payment opens what a price is for. */
export function isOpenUnpaid({ free }: Route, { access }: OpenPrice): boolean {
  return access !== undefined || free !== undefined;
}

/**
 * Opens a route for who need not pay: who holds a pass, and who has a free request left. A request with a payment is a
 * purchase, whatever else it carries, and takes none of that.
 *
 * @throws GatewayError `store_unavailable`: a pass opens nothing in doubt
 */
export function admitUnpaid(request: RoutedRequest, open: OpenPrice, services: Services): Admitted | Promise<Admitted> {
  if (hasPayment(request)) return undefined;
  const byPass = admit(request, open, services);
  if (byPass instanceof Promise) return byPass.then((admitted) => admitted ?? admitFree(request, services));
  return byPass ?? admitFree(request, services);
}
