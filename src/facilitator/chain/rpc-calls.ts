import { RpcRequestError } from 'viem';
import { getHttpRpcClient, type HttpRpcClient } from 'viem/utils';
import { field } from './rpc-answer.ts';
import { refusesBatch } from './rpc-fault.ts';

/** Calls in one HTTP exchange: most public nodes take ten or more, and the reads for one payment are fewer. */
const MOST_AT_ONCE = 10;

/** The HTTP client's settings. */
export type RpcHttpOptions = NonNullable<Parameters<typeof getHttpRpcClient>[1]>;

/** A JSON-RPC call. */
export interface RpcQuestion {
  readonly method: string;
  readonly params?: unknown;
}

/** A call that waits for its exchange. */
interface Waiting {
  readonly question: RpcQuestion;
  readonly resolve: (result: unknown) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * The calls of one node. Calls that are made in the same turn, and can be given up together, travel in one HTTP
 * exchange.
 *
 * Answers are told apart by their ids and never by their order: a node may leave an answer out, or give an error without
 * an id, and then the answer to one payment's call would stand in the place of another's.
 *
 * Nodes may take fewer calls at once, or none but single ones. A batch that is refused for that is sent again in halves,
 * and later ones are no larger. Each call may be sent twice: a signed transaction stays the same one.
 */
export class RpcCalls {
  readonly #url: string;
  readonly #http: HttpRpcClient;
  readonly #waiting = new Map<AbortSignal | undefined, Waiting[]>();
  #most = MOST_AT_ONCE;

  constructor(url: string, options: RpcHttpOptions) {
    this.#url = url;
    this.#http = getHttpRpcClient(url, options);
  }

  /**
   * Makes one call.
   *
   * @throws the HTTP client's errors; `RpcRequestError` for an error of the node
   */
  request(question: RpcQuestion, signal?: AbortSignal): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const waiting = this.#waiting.get(signal);
    const call = { question, resolve, reject };
    if (waiting !== undefined) {
      waiting.push(call);
    } else {
      this.#waiting.set(signal, [call]);
      setTimeout(() => this.#depart(signal), 0);
    }
    return promise;
  }

  #depart(signal: AbortSignal | undefined): void {
    const calls = this.#waiting.get(signal) ?? [];
    this.#waiting.delete(signal);
    for (let from = 0; from < calls.length; from += this.#most) {
      void this.#send(calls.slice(from, from + this.#most), signal);
    }
  }

  /** Resolves to whether the node took the exchange. Never rejects: each call gets its own result. */
  async #send(calls: readonly Waiting[], signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const answers = await this.#exchange(calls, signal);
      for (const [index, call] of calls.entries()) this.#conclude(call, answers[index]);
      return true;
    } catch (thrown) {
      if (calls.length > 1 && refusesBatch(thrown)) return await this.#sendHalves(calls, signal);
      for (const { reject } of calls) reject(thrown);
      return false;
    }
  }

  async #sendHalves(calls: readonly Waiting[], signal: AbortSignal | undefined): Promise<boolean> {
    const half = Math.ceil(calls.length / 2);
    const taken = await Promise.all([this.#send(calls.slice(0, half), signal), this.#send(calls.slice(half), signal)]);
    const isTaken = taken.every(Boolean);
    if (isTaken && half < this.#most) this.#most = half;
    return isTaken;
  }

  /** The answers in the order of the calls; `undefined` for a call without one. */
  async #exchange(calls: readonly Waiting[], signal: AbortSignal | undefined): Promise<readonly unknown[]> {
    const bodies = calls.map(({ question: { method, params } }, index) => ({ id: index + 1, method, params }));
    const options = signal === undefined ? {} : { fetchOptions: { signal } };
    const [only, ...others] = bodies;
    if (only !== undefined && others.length === 0) {
      const answer: unknown = await this.#http.request({ body: only, ...options });
      return [Array.isArray(answer) ? answer[0] : answer];
    }
    const answers: readonly unknown[] = await this.#http.request({ body: bodies, ...options });
    const error = field(answers[0], 'error');
    // The client repeats an error that is the answer to the whole batch. Equal answers without one say nothing.
    if (isError(error) && answers.every((answer) => answer === answers[0])) throw this.#errorOf(bodies, error);
    return bodies.map(({ id }) => answers.find((answer) => String(field(answer, 'id')) === String(id)));
  }

  #conclude({ question, resolve, reject }: Waiting, answer: unknown): void {
    const [error, result] = [field(answer, 'error'), field(answer, 'result')];
    if (isError(error)) reject(this.#errorOf([{ ...question }], error));
    else if (result === undefined) reject(new Error(`the node left out the answer to ${question.method}`));
    else resolve(result);
  }

  #errorOf(body: { [key: string]: unknown }[], error: unknown): RpcRequestError {
    const [code, message] = [field(error, 'code'), field(error, 'message')];
    return new RpcRequestError({
      body,
      error: {
        code: typeof code === 'number' ? code : 0,
        message: typeof message === 'string' ? message : String(error),
      },
      url: this.#url,
    });
  }
}

/** Some nodes put `error: null` beside a result. */
function isError(error: unknown): boolean {
  return error !== undefined && error !== null;
}
