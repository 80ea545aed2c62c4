import type { Dispatcher } from 'undici';
import type { RemoteFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { openDispatcher } from '../../outgoing/dispatcher.ts';
import { type CdpTokenMaker, openCdpKey } from './cdp-token.ts';
import { type Exchange, exchange } from './exchange.ts';
import { readRetryAfter } from './retry-after.ts';
import { unbelievable } from './verify-answer.ts';
import { readWireJson } from './wire-json.ts';

/**
 * Most connections of each kind: a slow facilitator must not use up the process's file descriptors. Other calls queue.
 */
const CONNECTIONS = 128;

/**
 * Longest idle time of a connection that a settlement may still use, in milliseconds: servers close idle connections
 * after two seconds at the earliest, most after five or more.
 */
const SETTLE_IDLE_MS = 1000;

const SETTLE_CONNECTIONS = {
  connections: CONNECTIONS,
  keepAliveTimeout: SETTLE_IDLE_MS,
  keepAliveMaxTimeout: SETTLE_IDLE_MS,
};

/** An operation of a facilitator. */
export type Operation = 'verify' | 'settle' | 'supported';

/** The HTTP calls of one facilitator: its connections, its headers, its key. */
export class FacilitatorCalls {
  readonly #spec: RemoteFacilitatorSpec;
  readonly #clock: () => number;
  readonly #random: (size: number) => Buffer;
  readonly #cdp: CdpTokenMaker | undefined;
  readonly #urls: Readonly<Record<Operation, URL>>;
  readonly #headers: Readonly<Record<'GET' | 'POST', Readonly<Record<string, string>>>>;
  readonly #agent: Dispatcher;
  /**
   * Settlements use connections that carried one a moment ago, or new ones. The server may close an idle connection at
   * the moment when we write to it, and then it is not known whether the request arrived until recovery has asked.
   */
  readonly #settleAgent: Dispatcher;

  /**
   * Connects to nothing yet.
   *
   * @param clock Unix milliseconds
   * @param random gives that many random bytes
   * @throws Error when `spec.cdp` holds no usable key
   */
  constructor(spec: RemoteFacilitatorSpec, clock: () => number, random: (size: number) => Buffer) {
    this.#spec = spec;
    this.#clock = clock;
    this.#random = random;
    this.#cdp = spec.cdp === undefined ? undefined : openCdpKey(spec.cdp);
    const urlOf = (operation: Operation): URL => new URL(`${spec.url}/${operation}`);
    this.#urls = { verify: urlOf('verify'), settle: urlOf('settle'), supported: urlOf('supported') };
    this.#headers = { GET: headersOf(spec, {}), POST: headersOf(spec, { 'content-type': 'application/json' }) };
    const proxy = spec.proxies?.get(spec.url);
    this.#agent = openDispatcher(proxy, { connections: CONNECTIONS });
    this.#settleAgent = openDispatcher(proxy, SETTLE_CONNECTIONS);
  }

  /** Cuts the calls under way. */
  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#settleAgent.destroy()]);
  }

  /** Makes one call, by GET where there is no body. Never rejects. */
  call(operation: Operation, body: string | undefined, signal: AbortSignal | undefined): Promise<Exchange> {
    const method = body === undefined ? 'GET' : 'POST';
    const url = this.#urls[operation];
    let headers = this.#headers[method];
    if (this.#cdp !== undefined) {
      const nowSeconds = Math.floor(this.#clock() / 1000);
      headers = { ...headers, authorization: `Bearer ${this.#cdp(method, url, nowSeconds, this.#random(16))}` };
    }
    const timeoutMs = operation === 'settle' ? this.#spec.settleTimeoutMs : this.#spec.verifyTimeoutMs;
    const agent = operation === 'settle' ? this.#settleAgent : this.#agent;
    return exchange(agent, { method, url, headers, body, timeoutMs, signal });
  }

  /** Why there is no protocol answer. */
  faultOf(answer: Exchange): GatewayError {
    if (answer.kind === 'broken') return new GatewayError(answer.code, { cause: answer.cause });
    const { status } = answer;
    if (status !== 429 && status !== 503) return unbelievable(`HTTP status ${status}${redirectText(answer)}`);
    const retryAfterSeconds = readRetryAfter(answer.retryAfter, this.#clock());
    return new GatewayError('facilitator_overloaded', {
      cause: new Error(`HTTP status ${status}`),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
}

function headersOf({ headers }: RemoteFacilitatorSpec, own: Readonly<Record<string, string>>): Record<string, string> {
  const configured = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { accept: 'application/json', 'accept-encoding': 'identity', ...own, ...configured };
}

/**
 * The JSON object of an answer that speaks the protocol, whatever its status: refusals come as 200 and as 4xx. A
 * redirect is never such an answer: it says that the answer is somewhere else.
 */
export function protocolAnswer(answer: Exchange, verdict: 'isValid' | 'success'): JsonObject | undefined {
  if (answer.kind === 'broken' || (answer.status >= 300 && answer.status <= 399)) return undefined;
  const json = readWireJson(answer.body);
  return isJsonObject(json) && Object.hasOwn(json, verdict) ? json : undefined;
}

/** Where an answer redirects to, for operators; without a query, which may hold a key. */
function redirectText({ status, location }: Extract<Exchange, { kind: 'answered' }>): string {
  if (status < 300 || status > 399 || location === undefined) return '';
  const [target] = location.replace(/[^\x21-\x7e]/g, '').split(/[?#]/);
  return `, a redirect to ${target?.slice(0, 200)}: name that URL in the configuration if it is the right one`;
}
