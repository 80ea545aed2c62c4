import { BaseError, HttpRequestError, ResponseBodyTooLargeError, RpcRequestError, TimeoutError } from 'viem';
import { GatewayError } from '../../domain/gateway-error.ts';
import { textForLog } from '../../domain/text-for-log.ts';

/** A node's answer instead of a result: it is reachable, and states a reason. */
export interface NodeRefusal {
  readonly code: number;
  readonly message: string;
}

/** JSON-RPC codes for a fault of the node or its provider, not of the question. */
const TROUBLE_CODES: ReadonlySet<number> = new Set([
  -32001, -32002, -32005, -32007, -32016, -32097, -32601, -32603, 429,
]);

/** Words of providers that report such a fault under a code of their own. */
const TROUBLE_WORDS =
  /rate|too many|limit reached|limit exceeded|timed? ?out|overload|unavailable|try again|upstream|capacity/i;

/** Words by which nodes say that a call ran and did not succeed. geth uses code 3, others only words. */
const REVERT_WORDS =
  /revert|out ?of ?gas|gas required exceeds|invalid opcode|invalid jump|stack (?:under|over)flow|EVM error/i;

/** The refusal in what a client threw, or `undefined` when the node did not answer. */
export function readRefusal(thrown: unknown): NodeRefusal | undefined {
  if (!(thrown instanceof BaseError)) return undefined;
  const refusal = thrown.walk((error) => error instanceof RpcRequestError);
  return refusal instanceof RpcRequestError ? { code: refusal.code, message: refusal.details } : undefined;
}

/** Whether a refusal of a call or an estimate says that the call itself fails on chain. */
export function isRevert(refusal: NodeRefusal): boolean {
  return refusal.code === 3 || REVERT_WORDS.test(refusal.message);
}

/** Whether a refusal is about the node's own state, and so says nothing about the request. */
export function isTrouble(refusal: NodeRefusal): boolean {
  return TROUBLE_CODES.has(refusal.code) || TROUBLE_WORDS.test(refusal.message);
}

/** Words by which nodes say that they were asked too often, which no smaller question changes. */
const TOO_OFTEN_WORDS = /too many requests|(?:request|rate)s? ?-?limit|throttl|per (?:second|minute|day)|quota|daily/i;

/** Words for a number of requests in a time. */
const PACE_WORDS = /per (?:second|minute|hour|day)|\brate|throttl|quota|daily/i;

/** Statuses by which a server refuses what it was asked, and not the one who asks. */
const QUESTION_STATUSES: ReadonlySet<number | undefined> = new Set([400, 413, 422]);

/** A node's refusal to search a range of blocks for events, in its own words. */
export class RangeRefusal extends Error {
  override readonly name = 'RangeRefusal';

  constructor(words: string) {
    super(`The node refuses eth_getLogs: ${textForLog(words)}`);
  }
}

/**
 * A node's words where it answers a search for events with a refusal that may be about the range. Providers word and
 * number their limits as they like, so any answer counts that is none about the number of requests. `undefined` for an
 * outage.
 */
export function refusalOfRange(thrown: unknown): string | undefined {
  if (!(thrown instanceof BaseError)) return undefined;
  if (thrown.walk((error) => error instanceof ResponseBodyTooLargeError)) return 'the answer is too large';
  const refusal = readRefusal(thrown);
  if (refusal !== undefined) {
    return refusal.code === 429 || TOO_OFTEN_WORDS.test(refusal.message) ? undefined : refusal.message;
  }
  const failed = thrown.walk((error) => error instanceof HttpRequestError);
  const answered = failed instanceof HttpRequestError && QUESTION_STATUSES.has(failed.status);
  return answered ? failed.details : undefined;
}

/** Codes for a request that could not be read: to a node that takes single calls only, a batch is one. */
const UNREAD_CODES: ReadonlySet<number> = new Set([-32600, -32700]);

/**
 * Whether a node refused several calls together because they came together, so that fewer at once, or single ones, may
 * be taken. Not for a node that was asked too often: more exchanges would make that worse.
 */
export function refusesBatch(thrown: unknown): boolean {
  if (!(thrown instanceof BaseError)) return false;
  const refusal = readRefusal(thrown);
  if (refusal !== undefined) {
    if (refusal.code === 429 || PACE_WORDS.test(refusal.message)) return false;
    return UNREAD_CODES.has(refusal.code) || /batch/i.test(refusal.message);
  }
  const failed = thrown.walk((error) => error instanceof HttpRequestError);
  return failed instanceof HttpRequestError && QUESTION_STATUSES.has(failed.status);
}

/**
 * Turns a thrown value of a node call into a {@link GatewayError}: `facilitator_timeout` when the node was too slow or
 * the caller's signal ended the call; `facilitator_unreachable` when the node was unavailable, refused the connection
 * or reported trouble of its own; and `facilitator_invalid_answer` for anything else. The text names neither the node's
 * address nor the request.
 */
export function nodeFault(thrown: unknown, signal?: AbortSignal): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  if (thrown instanceof RangeRefusal) {
    const detail = 'The chain node refuses to search for events.';
    return new GatewayError('facilitator_invalid_answer', { detail, cause: thrown });
  }
  if (signal?.aborted || (thrown instanceof BaseError && thrown.walk((error) => error instanceof TimeoutError))) {
    return new GatewayError('facilitator_timeout', { detail: 'The chain node was too slow.', cause: thrown });
  }
  const refusal = readRefusal(thrown);
  const trouble = refusal === undefined ? isConnectionTrouble(thrown) : isTrouble(refusal);
  if (trouble) {
    return new GatewayError('facilitator_unreachable', { detail: 'The chain node did not answer.', cause: thrown });
  }
  const detail = "The chain node's answer makes no sense.";
  return new GatewayError('facilitator_invalid_answer', { detail, cause: thrown });
}

/** Whether the HTTP exchange itself failed; an answer that is no JSON is another matter. */
function isConnectionTrouble(thrown: unknown): boolean {
  if (!(thrown instanceof BaseError)) return false;
  const failed = thrown.walk((error) => error instanceof HttpRequestError) !== null;
  return failed && thrown.walk((error) => error instanceof SyntaxError) === null;
}

/** A fault for an answer that no honest node gives; `what` names the method. */
export function nonsense(what: string): GatewayError {
  return new GatewayError('facilitator_invalid_answer', {
    detail: `The chain node's answer to ${what} makes no sense.`,
  });
}
