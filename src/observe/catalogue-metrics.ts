import { Counter, type Registry } from 'prom-client';
import type { Observer } from './observer.ts';

/** What the catalogues of facilitators said of paid calls. */
export function createCatalogueMetrics(registry: Registry): Pick<Observer, 'requestFinished'> {
  const listings = new Counter({
    name: 'turnpike_bazaar_listings_total',
    help: 'Paid calls by what the catalogue of the facilitator said of their route: success, processing or rejected.',
    labelNames: ['route', 'status'],
    registers: [registry],
  });
  return {
    requestFinished({ route, catalogued }) {
      if (catalogued !== undefined && route !== undefined) {
        listings.inc({ route: route.name, status: catalogued.status });
      }
    },
  };
}
