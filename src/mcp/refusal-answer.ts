import type { McpBinding, McpTarget } from '../domain/mcp-terms.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { RpcId } from './message.ts';

/** JSON-RPC codes of refusals. */
export const PAYMENT_REQUIRED_CODE = 402;
const INTERNAL_ERROR = -32603;
const INVALID_PARAMS = -32602;

/** A refusal of a call, in the words of HTTP. */
export interface McpRefusal {
  readonly status: number;
  /** The stable code of the problem document. */
  readonly code: string;
  readonly detail: string | undefined;
  /** The `PaymentRequired` object, where the price is stated. */
  readonly required: JsonObject | undefined;
}

/** Whether a tool is known to have an output schema, by which clients check what stands in `structuredContent`. */
export type HasOutputSchema = (tool: string) => boolean;

/**
 * A refusal as an answer of JSON-RPC: a result of the tool that failed and states the price, as x402's MCP transport has it;
 * for resources and prompts, whose results have no place for it, an error with code 402.
 */
export function refusalAnswer(
  { id, target, name }: { readonly id: RpcId; readonly target: McpTarget; readonly name: string },
  refusal: McpRefusal,
  binding: McpBinding,
  hasOutputSchema: HasOutputSchema,
): JsonObject {
  const { required, code, detail } = refusal;
  if (required === undefined) return errorAnswer(id, errorCode(refusal.status), detail ?? code, { code });
  if (target !== 'tool' || binding === 'error') {
    return errorAnswer(id, PAYMENT_REQUIRED_CODE, 'Payment required', required);
  }
  const text = JSON.stringify(required);
  return {
    jsonrpc: '2.0',
    id,
    result: {
      isError: true,
      content: [{ type: 'text', text }],
      ...(hasOutputSchema(name) ? {} : { structuredContent: required }),
      _meta: { 'x402/error': required },
    },
  };
}

function errorCode(status: number): number {
  return status >= 500 ? INTERNAL_ERROR : INVALID_PARAMS;
}

/** An error of JSON-RPC. */
export function errorAnswer(id: RpcId | undefined, code: number, message: string, data?: JsonObject): JsonObject {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message, ...(data === undefined ? {} : { data }) } };
}
