import type { EntryDescription } from '../../config/describe.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { McpTerms } from '../../domain/mcp-terms.ts';
import type { RoutePrice } from '../../domain/route-price.ts';
import { priceOfCall } from '../../mcp/call-price.ts';
import { readMessage } from '../../mcp/message.ts';
import type { AskingRequest } from '../../pipeline/exchange.ts';
import { messageOf } from '../../pipeline/mcp/serve-mcp.ts';

/** The cost of a request to an MCP server: the price of the call in it, or nothing, and why. */
export type McpCost =
  | { readonly kind: 'priced'; readonly price: RoutePrice }
  | { readonly kind: 'free'; readonly fits: EntryDescription };

/**
 * The price of a request to an MCP server.
 *
 * @throws GatewayError `request_not_priced` for what the gateway refuses by a message of JSON-RPC; `body_ambiguous`
 */
export async function mcpCostOf(request: AskingRequest, terms: McpTerms): Promise<McpCost> {
  const bytes = await messageOf(request);
  if (bytes === undefined) return free(`${request.method}, which opens and ends streams and sessions`);
  const message = readMessage(bytes, request.head.rawHeaders, []);
  switch (message.kind) {
    case 'refused':
      throw new GatewayError('request_not_priced', { detail: `JSON-RPC error ${message.code}: ${message.wrong}` });
    case 'free':
      return free(`${message.method ?? 'an answer to the server'}, which buys nothing`);
    case 'call': {
      const { target, name } = message.call;
      const price = priceOfCall(terms, message.call);
      if (price !== 'refuse') return { kind: 'priced', price };
      throw new GatewayError('request_not_priced', {
        detail: `JSON-RPC error -32602: ${target} ${JSON.stringify(name)} fits no price (otherwise: refuse)`,
      });
    }
  }
}

function free(when: string): McpCost {
  return { kind: 'free', fits: { id: 'free', when, price: 'free', offers: [] } };
}
