import { GatewayError } from '../../domain/gateway-error.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import type { BrokenCode } from '../remote/exchange.ts';

/**
 * JSON-RPC codes of a node that cannot tell now, or does not have what is asked for: a block that is not there yet or
 * any more, a node that is behind, or a history that it does not keep.
 */
const TROUBLE_CODES: ReadonlySet<Json> = new Set<Json>([
  -32001, -32004, -32005, -32007, -32009, -32011, -32014, -32016, -32019, -32601, -32603, 429,
]);

/** Words of providers that report a fault under a code of their own. */
const TROUBLE_WORDS = /rate|too many|limit|timed? ?out|overload|unavailable|try again|upstream|capacity|quota/i;

/** A fault for an answer that no honest node gives; `what` names the method. The text names neither the node's address nor the request. */
export function nonsense(what: string): GatewayError {
  return new GatewayError('facilitator_invalid_answer', {
    detail: `The chain node's answer to ${what} makes no sense.`,
  });
}

/** A fault for a node that gave no whole answer. */
export function silent(code: BrokenCode, cause: unknown): GatewayError {
  const detail = code === 'facilitator_timeout' ? 'The chain node was too slow.' : 'The chain node did not answer.';
  return new GatewayError(code, { detail, cause });
}

/** A fault for a node's answer instead of a result. */
export function troubleOf(error: Json, method: string): GatewayError {
  const [code, message] = isJsonObject(error) ? [error['code'], error['message']] : [];
  const text = typeof message === 'string' ? message.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200) : '';
  const cause = new Error(`${method}: ${typeof code === 'number' ? code : ''} ${text}`);
  if (TROUBLE_CODES.has(code ?? null) || TROUBLE_WORDS.test(text)) return silent('facilitator_unreachable', cause);
  return new GatewayError('facilitator_invalid_answer', { detail: "The chain node's answer makes no sense.", cause });
}
