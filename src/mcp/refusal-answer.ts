import type { McpBinding, McpTarget } from '../domain/mcp-terms.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { RpcId } from './message.ts';

/** JSON-RPC codes of refusals that state no price. */
const INTERNAL_ERROR = -32603;
const INVALID_PARAMS = -32602;

/** A refusal of a call. */
export interface McpRefusal {
  /** The HTTP status. */
  readonly status: number;
  /** The stable code of the gateway. */
  readonly code: string;
  readonly detail: string | undefined;
  /** The price in the form of each protocol; empty where it is not stated. */
  readonly prices: readonly StatedPrice[];
}

/** The price of a call in the form of one protocol, and where its clients look for it. */
export interface StatedPrice {
  readonly price: JsonObject;
  /** In the result of a failed tool, or only in an error. One price of kind `error` puts all prices there. */
  readonly place: 'result' | 'error';
  /** Extension of MCP by which a client takes the price as a result of its own kind. */
  readonly extension: string | undefined;
  /** Member of `result._meta`. */
  readonly meta: string;
  /** Member of an error's data for this price beside another one; `undefined`: this price is the data itself. */
  readonly beside: string | undefined;
  /** The code of the JSON-RPC error. */
  readonly errorCode: number;
}

/** The call that is refused. */
export interface RefusedCall {
  readonly id: RpcId;
  readonly target: McpTarget;
  readonly name: string;
  /** Extensions of MCP that its client knows. */
  readonly extensions: readonly string[];
}

/** Whether a tool is known to have an output schema, by which clients check `structuredContent`. */
export type HasOutputSchema = (tool: string) => boolean;

/**
 * A refusal as an answer of JSON-RPC. A tool gets a failed result with the price, as in x402's MCP transport. Resources
 * and prompts get an error, because their results have no place for a price; so do tools where a protocol's clients
 * look for an error. A client that announces a protocol's extension gets the extension's result for all of them.
 */
export function refusalAnswer(
  { id, target, name, extensions }: RefusedCall,
  { status, prices, code, detail }: McpRefusal,
  binding: McpBinding,
  hasOutputSchema: HasOutputSchema,
): JsonObject {
  const [first] = prices;
  if (first === undefined) return errorAnswer(id, errorCode(status), detail ?? code, { code });
  const asked = prices.find(({ extension }) => extension !== undefined && extensions.includes(extension));
  if (asked !== undefined && binding === 'result') {
    return { jsonrpc: '2.0', id, result: { resultType: 'payment_required', paymentRequired: asked.price } };
  }
  if (target !== 'tool' || binding === 'error' || prices.some(({ place }) => place === 'error')) {
    return priceError(id, prices, first);
  }
  const { price, meta } = first;
  return {
    jsonrpc: '2.0',
    id,
    result: {
      isError: true,
      content: [{ type: 'text', text: JSON.stringify(price) }],
      ...(hasOutputSchema(name) ? {} : { structuredContent: price }),
      _meta: { [meta]: price },
    },
  };
}

/** One error for the clients of all protocols: that of the protocol whose price cannot be beside another's. */
function priceError(id: RpcId, prices: readonly StatedPrice[], first: StatedPrice): JsonObject {
  const main = prices.find(({ beside }) => beside === undefined) ?? first;
  const others = prices.filter((each) => each !== main);
  const beside = Object.fromEntries(others.flatMap(({ beside: member, price }) => (member ? [[member, price]] : [])));
  return errorAnswer(id, main.errorCode, 'Payment required', { ...main.price, ...beside });
}

function errorCode(status: number): number {
  return status >= 500 ? INTERNAL_ERROR : INVALID_PARAMS;
}

/** An error of JSON-RPC. */
export function errorAnswer(id: RpcId | undefined, code: number, message: string, data?: JsonObject): JsonObject {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message, ...(data === undefined ? {} : { data }) } };
}
