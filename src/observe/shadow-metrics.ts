import { Counter, type Registry } from 'prom-client';
import type { Observer } from './observer.ts';

/** Requests that were let through free of charge, because their route does not charge everybody yet. */
export function createShadowMetrics(registry: Registry): Pick<Observer, 'requestFinished'> {
  const registers = [registry];
  const requests = new Counter({
    name: 'turnpike_shadow_total',
    help: 'Requests let through in shadow mode, by what they would have been answered: paid, redelivered or an error code.',
    labelNames: ['route', 'decision'],
    registers,
  });
  const revenue = new Counter({
    name: 'turnpike_shadow_revenue_atomic_total',
    help: 'What those requests would have been charged, in atomic units of the asset: for payments that they brought (paid), or at the first offer if they had paid (payment_required).',
    labelNames: ['route', 'network', 'asset', 'decision'],
    registers,
  });
  return {
    requestFinished({ route, shadow, status }) {
      if (shadow === undefined || route === undefined) return;
      const { decision, wouldCharge } = shadow;
      requests.inc({ route: route.name, decision });
      // As when charging: a call that failed costs nothing, unless the money comes first.
      if (wouldCharge === undefined || (status >= 400 && wouldCharge.settle !== 'before')) return;
      const { network, asset, amount } = wouldCharge;
      revenue.inc({ route: route.name, network, asset, decision }, Number(amount));
    },
  };
}
