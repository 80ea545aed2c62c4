import { toolCatalogue } from '../discovery/api-tools.ts';
import { CallBook } from '../discovery/calls.ts';
import { type DiscoveryPath, discoveryPage, isDiscoveryPath, publishedTerms } from '../discovery/discovery-page.ts';
import type { ToolCatalogue } from '../domain/api-tool.ts';
import type { DiscoveryTerms } from '../domain/discovery.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { ApiTools, Discovery, DiscoveryDocument } from '../pipeline/runtime.ts';
import type { Listing } from '../protocol/challenge.ts';
import { DID_PATH } from '../protocol/offer-receipt/did-document.ts';

/** What catalogues are told about the routes of a plan. */
export interface Listings {
  /** `undefined` for a route that is not published. */
  of(route: Route): Listing | undefined;
}

/** `undefined` where the configuration tells catalogues nothing. */
export function openListings(terms: DiscoveryTerms | undefined): Listings | undefined {
  if (terms?.bazaar !== true) return undefined;
  const { serviceName, tags, iconUrl, document } = terms;
  const calls = new CallBook(document);
  // Catalogues accept five tags.
  const service = { serviceName, tags: tags.slice(0, 5), iconUrl };
  return {
    of: (route) => (route.unlisted ? undefined : { ...service, pattern: route.pattern, calls: calls.callsOf(route) }),
  };
}

/**
 * Opens the discovery documents of a plan; `undefined` where it turns them off.
 *
 * @param did the document of the key that signs offers and receipts: it is published where there is one
 */
export function openDiscovery(plan: Plan, did: JsonObject | undefined): Discovery | undefined {
  const documents = plan.discovery === undefined ? undefined : new PlanDiscovery(plan, plan.discovery);
  return did === undefined ? documents : withDid(documents, did);
}

/** Opens the tools of a plan; `undefined` where it offers none. */
export function openTools(plan: Plan): ApiTools | undefined {
  const { discovery } = plan;
  if (discovery?.mcp !== true) return undefined;
  let made: Promise<ToolCatalogue> | undefined;
  return {
    read() {
      made ??= publishedTerms(discovery).then((terms) => toolCatalogue(plan, terms));
      return made;
    },
  };
}

function withDid(documents: Discovery | undefined, did: JsonObject): Discovery {
  const body = Buffer.from(JSON.stringify(did), 'utf8');
  return {
    has: (path) => path === DID_PATH || documents?.has(path) === true,
    async read(path) {
      if (path === DID_PATH) return { mimeType: 'application/did+json', body };
      if (documents === undefined) throw new Error(`${path} is no discovery document`);
      return await documents.read(path);
    },
  };
}

class PlanDiscovery implements Discovery {
  readonly #plan: Plan;
  readonly #given: DiscoveryTerms;
  /** Made at most once for each path: a document of thousands of operations takes a moment. */
  readonly #made = new Map<DiscoveryPath, Promise<DiscoveryDocument>>();

  constructor(plan: Plan, terms: DiscoveryTerms) {
    this.#plan = plan;
    this.#given = terms;
  }

  has(path: string): boolean {
    return isDiscoveryPath(path);
  }

  async read(path: string): Promise<DiscoveryDocument> {
    if (!isDiscoveryPath(path)) throw new Error(`${path} is no discovery document`);
    const known = this.#made.get(path) ?? this.#make(path);
    this.#made.set(path, known);
    return await known;
  }

  async #make(path: DiscoveryPath): Promise<DiscoveryDocument> {
    const { mimeType, body } = await discoveryPage(path, this.#plan, this.#given);
    return { mimeType, body: Buffer.from(body, 'utf8') };
  }
}
