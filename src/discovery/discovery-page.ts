import type { DiscoveryTerms } from '../domain/discovery.ts';
import { asOpenApi31 } from '../openapi/upgrade.ts';
import { apiDocument, type DiscoverySubject } from './api-document.ts';
import { llmsText } from './llms-text.ts';
import { wellKnownDocument } from './well-known.ts';

/** A document that agents find a gateway by. */
export interface DiscoveryPage {
  readonly mimeType: string;
  readonly body: string;
}

/** Where discovery documents are served. */
export const DISCOVERY_PATHS = ['/openapi.json', '/llms.txt', '/.well-known/x402'] as const;

/** The path of a discovery document. */
export type DiscoveryPath = (typeof DISCOVERY_PATHS)[number];

/** Whether a path is one of a discovery document. */
export function isDiscoveryPath(path: string): path is DiscoveryPath {
  return DISCOVERY_PATHS.some((each) => each === path);
}

/** A memo of the published form of terms: a large description takes a second. */
const published = new WeakMap<DiscoveryTerms, Promise<DiscoveryTerms>>();

/** The form of terms that documents and tools are made from. It is made once. */
export function publishedTerms(terms: DiscoveryTerms): Promise<DiscoveryTerms> {
  const known = published.get(terms) ?? upgraded(terms);
  published.set(terms, known);
  return known;
}

async function upgraded(terms: DiscoveryTerms): Promise<DiscoveryTerms> {
  return { ...terms, document: terms.document && (await asOpenApi31(terms.document)) };
}

/**
 * Makes one of the documents. The time grows with the price table: callers keep the document for as long as the plan.
 */
export async function discoveryPage(
  path: DiscoveryPath,
  plan: DiscoverySubject,
  given: DiscoveryTerms,
): Promise<DiscoveryPage> {
  const terms = await publishedTerms(given);
  switch (path) {
    case '/openapi.json':
      return { mimeType: 'application/json', body: JSON.stringify(apiDocument(plan, terms)) };
    case '/llms.txt':
      return { mimeType: 'text/plain; charset=utf-8', body: llmsText(plan, terms) };
    case '/.well-known/x402':
      return { mimeType: 'application/json', body: JSON.stringify(wellKnownDocument(plan, terms)) };
  }
}
