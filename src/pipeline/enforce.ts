import type { Route } from '../domain/route.ts';
import { admitUnpaid, isOpenUnpaid } from './admit-unpaid.ts';
import { challengedOf, refusalAnswer } from './answer.ts';
import { authorize } from './authorize.ts';
import type { AcceptedRequest, RoutedRequest } from './exchange.ts';
import { resourceUrlOf } from './match.ts';
import { mayOpen, openByCookie } from './open-later.ts';
import { broughtIn, hasPayment, UNPAID } from './read-payment.ts';
import type { OpenPrice, Services } from './runtime.ts';
import { decideInShadow, isShadowed } from './shadow.ts';
import { answered, type Refusal, type Served, served } from './stages.ts';
import { takeForeign } from './take-foreign.ts';
import { kindOf, tracedNow } from './traced.ts';
import type { Transport } from './transport.ts';

/**
 * Decides whether a priced request gets 402, or is served: by its payment, by a pass, or by a key or free request.
 */
export async function enforce(
  request: AcceptedRequest,
  matched: Route,
  { price, pricedBody }: Pick<RoutedRequest, 'price' | 'pricedBody'>,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { runtime, method, path, notes } = request;
  const resourceUrl = resourceUrlOf(request, matched);
  const open = runtime.openPrice(matched, price);
  const broughtBy = broughtIn(request, runtime.protocols(matched));
  const stated = challengedOf({ runtime, route: matched, price, resourceUrl, method, path }, { broughtBy });
  const isShadow = isShadowed(request, matched);
  // Most requests of a priced route only ask for the price: they need no wait.
  if (broughtBy === undefined && !isShadow && !isOpenUnpaid(matched, open) && !mayOpen(request)) {
    const asked = tracedNow(notes.trace, 'authorize', () => UNPAID, kindOf);
    return answered('refused', refusalAnswer(request, asked, stated));
  }
  const routed: RoutedRequest = { ...request, price, pricedBody, route: matched, resourceUrl };
  if (isShadow) return await serveInShadow(routed, open, services, transport);
  const result = await servePriced(routed, open, services, transport);
  return result.kind === 'served' ? result : answered('refused', refusalAnswer(request, result, stated));
}

async function servePriced(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
  transport: Transport,
): Promise<Served | Refusal> {
  const kept = mayOpen(request) && !hasPayment(request);
  const opened = kept ? await openByCookie(request, open, services) : undefined;
  if (opened?.kind === 'refusal') return opened;
  if (opened !== undefined) return await transport.collect(request, opened, services);
  const admitting = admitUnpaid(request, open, services);
  const admitted = admitting instanceof Promise ? await admitting : admitting;
  if (admitted?.kind === 'refusal') return admitted;
  if (admitted !== undefined) return await transport.serveAdmitted(request, admitted, services);
  const authorized = await authorize(request, open, services);
  switch (authorized.kind) {
    case 'refusal':
      return authorized;
    case 'collectable':
      return await transport.collect(request, authorized, services);
    case 'authorized': {
      const { foreign } = authorized;
      if (foreign === undefined) return await transport.servePaid(request, authorized, services);
      const taken = await takeForeign(request, authorized, foreign, services);
      return taken.kind === 'refusal' ? taken : await transport.collect(request, taken, services);
    }
  }
}

/** Serves the request as on a free route. Its price is decided in parallel, and the answer does not wait for it. */
async function serveInShadow(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
  transport: Transport,
): Promise<Served> {
  const { notes, route } = request;
  const decided = decideInShadow(request, open, services);
  try {
    const { outcome } = await transport.serveFree(request, route, true);
    return served(outcome === 'free' ? 'shadow' : outcome);
  } finally {
    notes.shadow = await decided;
  }
}
