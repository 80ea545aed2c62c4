import { LRUCache } from 'lru-cache';

/** Most tools that are remembered. */
const MOST = 20_000;

/** The tools that have an output schema, as seen in lists of tools: clients check results against it. */
export class OutputSchemas {
  readonly #tools = new LRUCache<string, true>({ max: MOST });

  /** @param tool its route and its name */
  note(tool: string, hasOutputSchema: boolean): void {
    if (hasOutputSchema) this.#tools.set(tool, true);
    else this.#tools.delete(tool);
  }

  has(tool: string): boolean {
    return this.#tools.has(tool);
  }
}
