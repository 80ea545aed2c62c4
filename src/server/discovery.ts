import { type DiscoveryPath, discoveryPage, isDiscoveryPath, publishedTerms } from '../discovery/discovery-page.ts';
import type { DiscoveryTerms } from '../domain/discovery.ts';
import type { Plan } from '../domain/plan.ts';
import type { Discovery, DiscoveryDocument } from '../pipeline/runtime.ts';

/** Opens the discovery documents of a plan; `undefined` where it turns them off. */
export function openDiscovery(plan: Plan): Discovery | undefined {
  return plan.discovery === undefined ? undefined : new PlanDiscovery(plan, plan.discovery);
}

class PlanDiscovery implements Discovery {
  readonly #plan: Plan;
  readonly #given: DiscoveryTerms;
  #terms: Promise<DiscoveryTerms> | undefined;
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
    this.#terms ??= publishedTerms(this.#given);
    const { mimeType, body } = await discoveryPage(path, this.#plan, await this.#terms);
    return { mimeType, body: Buffer.from(body, 'utf8') };
  }
}
