import errors from 'undici/lib/core/errors.js';
import { type ErrorCode, GatewayError } from '../domain/gateway-error.ts';

/**
 * Whether a request that failed can have been seen by the upstream.
 *
 * - `no`: no byte of it was sent. It may be sent again, whatever its method.
 * - `in part`: its client broke off or was too slow, and the end of its body was not sent. That is no request, although
 *   the upstream may have worked for it.
 * - `possibly`: it may have been carried out. Sending it again is a second execution.
 */
export type Reached = 'no' | 'in part' | 'possibly';

/** What went wrong on the way to an upstream: the `cause` of every {@link GatewayError} this folder throws. */
export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault';
  readonly reached: Reached;

  constructor(message: string, reached: Reached, cause?: unknown) {
    super(message, { cause });
    this.reached = reached;
  }
}

/** The client left while the gateway was working for it. No answer can be given any more; this is no fault. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
  /** Whether the upstream can have seen the request by then. */
  readonly reached: Reached;

  constructor(reached: Reached = 'possibly') {
    super('The client closed its connection before the exchange was over.');
    this.reached = reached;
  }
}

/** The gateway closed the connection of a request that `drainTimeout` left no time for. */
export class RequestCutError extends Error {
  override readonly name = 'RequestCutError';

  constructor() {
    super('The gateway closed the connection at the end of drainTimeout.');
  }
}

/** A body was not the one that it had to be; the upstream has not got it whole. */
export class BodyRefusedError extends Error {
  override readonly name = 'BodyRefusedError';

  constructor() {
    super('The body is not the one that this payment was made for.');
  }
}

/** Whether the upstream can have got anything of the request that `error` is about. In doubt, yes. */
export function mayHaveReachedUpstream(error: unknown): boolean {
  return reachedBefore(error) !== 'no';
}

/** Whether the upstream can have got the whole request that `error` is about, and carried it out. In doubt, yes. */
export function mayHaveRun(error: unknown): boolean {
  return reachedBefore(error) === 'possibly';
}

function reachedBefore(error: unknown): Reached {
  const fault = error instanceof GatewayError ? error.cause : error;
  return fault instanceof UpstreamFault || fault instanceof ClientGoneError ? fault.reached : 'possibly';
}

/** `request_timeout` of a body on its way: what the upstream may have of it lacks its end. */
export function bodyTooSlow(detail: string): GatewayError {
  return new GatewayError('request_timeout', { detail, cause: new UpstreamFault('The body was cut off.', 'in part') });
}

/** The gateway itself ended a wait for the upstream. */
export class UpstreamSilenceError extends Error {
  override readonly name = 'UpstreamSilenceError';
}

/**
 * Turns the failure of a connection into the public error: `upstream_timeout`, `upstream_invalid_answer`,
 * `shutting_down`, `internal_error` or else `upstream_unreachable`. The text of `error` names addresses and stays in
 * the cause, for the log.
 */
export function faultOf(error: unknown, reached: Reached): GatewayError {
  const message = error instanceof Error ? error.message : String(error);
  return new GatewayError(codeOf(error, message), { cause: new UpstreamFault(message, reached, error) });
}

const CODE_OF_FAULT: ReadonlyMap<string, ErrorCode> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'upstream_timeout'],
  ['ETIMEDOUT', 'upstream_timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'upstream_timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', 'upstream_invalid_answer'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'upstream_invalid_answer'],
  ['UND_ERR_CLOSED', 'shutting_down'],
  ['UND_ERR_DESTROYED', 'shutting_down'],
  // These say that the gateway built a request that must not be sent.
  ['UND_ERR_INVALID_ARG', 'internal_error'],
  ['UND_ERR_NOT_SUPPORTED', 'internal_error'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'internal_error'],
]);

function codeOf(error: unknown, message: string): ErrorCode {
  if (error instanceof UpstreamSilenceError) return 'upstream_timeout';
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // undici reports an answer that nobody waits for, and an unexpected 101, as a socket error of this text.
  const unasked = message === 'bad response' || message === 'bad upgrade';
  // Node's parser, which reads the answers to upgrades, has codes of its own for what is not HTTP.
  const isNoHttp = error instanceof errors.HTTPParserError || code.startsWith('HPE_');
  if (unasked || isNoHttp) return 'upstream_invalid_answer';
  return CODE_OF_FAULT.get(code) ?? 'upstream_unreachable';
}

/** Whether an upstream broke off, or sent something invalid, where its response should begin. */
export function isBreak(error: Error): boolean {
  if (error instanceof ClientGoneError || error instanceof BodyRefusedError || error instanceof GatewayError)
    return false;
  const code = codeOf(error, error.message);
  return code === 'upstream_unreachable' || code === 'upstream_invalid_answer';
}

/**
 * Whether a request that had not begun failed because no connection came about, and not for a reason of the gateway's
 * own.
 */
export function isConnectFault(error: Error): boolean {
  const code = codeOf(error, error.message);
  return code === 'upstream_unreachable' || code === 'upstream_timeout';
}
