import type { RoutePrice } from './route-price.ts';
import { fitsPattern } from './when.ts';

/** What an MCP client buys: x402 MCP transport, `transports-v2/mcp.md`. */
export type McpTarget = 'tool' | 'resource' | 'prompt';

/** How a price is stated to a client: in the result of the tool, as an error of JSON-RPC, or as an HTTP 402. */
export type McpBinding = 'result' | 'error' | 'http';

/** A price, and the names that it is for. */
export interface McpPrice {
  readonly target: McpTarget;
  /** Name of the tool or prompt, URI of the resource, with `*` for any characters. */
  readonly pattern: string;
  readonly price: RoutePrice;
}

/** How the calls of an MCP server are sold. */
export interface McpTerms {
  /** Patterns without `*` come first, then longer before shorter ones, so that the first match is the most specific. */
  readonly prices: readonly McpPrice[];
  /** For names that no pattern fits: a price, or a refusal. */
  readonly otherwise: RoutePrice | 'refuse';
  readonly binding: McpBinding;
  /** Whether descriptions of tools say what they cost. */
  readonly describes: boolean;
}

/** The price of a call; `refuse` where there is none. */
export function mcpPriceOf({ prices, otherwise }: McpTerms, target: McpTarget, name: string): RoutePrice | 'refuse' {
  const found = prices.find((each) => each.target === target && fitsPattern(each.pattern, name));
  return found?.price ?? otherwise;
}

/** The same terms with other prices. */
export function repriced(terms: McpTerms, other: (price: RoutePrice) => RoutePrice): McpTerms {
  const { prices, otherwise } = terms;
  return {
    ...terms,
    prices: prices.map((each) => ({ ...each, price: other(each.price) })),
    otherwise: otherwise === 'refuse' ? otherwise : other(otherwise),
  };
}
