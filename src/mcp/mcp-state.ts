import type { McpTerms } from '../domain/mcp-terms.ts';
import { KnownTools } from './known-tools.ts';
import { OpenCalls } from './open-calls.ts';
import { OutputSchemas } from './output-schemas.ts';

/** A process's knowledge of the MCP servers behind it, and its open calls to them. */
export class McpState {
  readonly outputSchemas = new OutputSchemas();
  readonly openCalls = new OpenCalls();
  readonly #tools = new WeakMap<McpTerms, KnownTools>();

  /** The known tools with the prices of these terms. */
  knownTools(terms: McpTerms): KnownTools {
    const before = this.#tools.get(terms);
    if (before !== undefined) return before;
    const known = new KnownTools();
    this.#tools.set(terms, known);
    return known;
  }
}
