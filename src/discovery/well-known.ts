import type { DiscoveryTerms } from '../domain/discovery.ts';
import { isPriced } from '../domain/route-price.ts';
import type { JsonObject } from '../domain/x402.ts';
import { type DiscoverySubject, soldOperations } from './api-document.ts';

/** The `/.well-known/x402` document: the URLs that cost something, as catalogues of x402 read them. */
export function wellKnownDocument(plan: DiscoverySubject, terms: DiscoveryTerms): JsonObject {
  const priced = soldOperations(plan, terms).filter(({ route }) => isPriced(route));
  const resources = new Set(priced.map(({ template }) => `${plan.publicUrl ?? ''}${template}`));
  return { version: 1, resources: [...resources] };
}
