import type { Dispatcher } from 'undici';
import errors from 'undici/lib/core/errors.js';

/** Largest answer body that is read, in bytes: no honest facilitator sends more, and a hostile one must stay cheap. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** One HTTP request to a facilitator. */
export interface ExchangeRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Time for everything from connecting to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends the wait early. */
  readonly signal: AbortSignal | undefined;
  /** Largest answer body that is read, in bytes. Default: {@link MAX_ANSWER_BYTES}. */
  readonly maxBytes?: number;
}

/** Why there is no whole answer. The names are those of the public error codes. */
export type BrokenCode = 'facilitator_unreachable' | 'facilitator_timeout' | 'facilitator_invalid_answer';

/** The result of an HTTP request. */
export type Exchange =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      /** The `Location` header, for operators only: no redirect is followed. */
      readonly location: string | undefined;
      /** The `EXTENSION-RESPONSES` header, which is for the gateway alone. */
      readonly extensionResponses: string | undefined;
      readonly body: Buffer;
    }
  | {
      readonly kind: 'broken';
      readonly code: BrokenCode;
      /**
       * Whether a byte of the request may have been written. `false` is certain: no connection was made (refused, no
       * such host, TLS failed, given up while connecting), and none will carry this request later.
       */
      readonly sent: boolean;
      readonly cause: unknown;
    };

/**
 * Sends one request and reads the whole answer. Never rejects, follows no redirect, repeats nothing.
 *
 * It uses undici's dispatcher and not its `request`. Only the dispatcher shows whether a request was ever written, and
 * can stop a request that was given up while connecting from being sent later. For a settlement that is the difference
 * between "nothing moved" and "the outcome is unknown".
 */
export function exchange(dispatcher: Dispatcher, request: ExchangeRequest): Promise<Exchange> {
  return new Promise((resolve) => {
    const collector = new AnswerCollector((outcome) => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', abandon);
      resolve(outcome);
    }, request.maxBytes);
    const abandon = (): void => collector.giveUp(request.signal?.reason);
    const timer = setTimeout(() => {
      collector.giveUp(new Error(`no answer within ${request.timeoutMs} ms`));
    }, request.timeoutMs);
    request.signal?.addEventListener('abort', abandon);
    if (request.signal?.aborted === true) {
      abandon();
      return;
    }
    try {
      dispatcher.dispatch(
        {
          origin: request.url.origin,
          path: `${request.url.pathname}${request.url.search}`,
          method: request.method,
          headers: request.headers,
          body: request.body ?? null,
          // The timer above bounds the whole call; a second timer would only hide which one ended it.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        collector,
      );
    } catch (cause) {
      collector.onResponseError(undefined, asError(cause));
    }
  });
}

/** Collects one answer within a number of bytes, and reports its end once. */
class AnswerCollector implements Dispatcher.DispatchHandler {
  readonly #finish: (outcome: Exchange) => void;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #size = 0;
  #status = 0;
  #retryAfter: string | undefined;
  #location: string | undefined;
  #extensionResponses: string | undefined;
  #finished = false;

  constructor(finish: (outcome: Exchange) => void, maxBytes = MAX_ANSWER_BYTES) {
    this.#finish = finish;
    this.#maxBytes = maxBytes;
  }

  /** Called by undici when a connection is open, before the first byte of the request is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#finished) {
      // Already reported as never sent: keep it so.
      controller.abort(new Error('given up before it was sent'));
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    this.#status = status;
    const { 'retry-after': retryAfter, location, 'extension-responses': extensionResponses } = headers;
    this.#retryAfter = typeof retryAfter === 'string' ? retryAfter : undefined;
    this.#location = typeof location === 'string' ? location : undefined;
    this.#extensionResponses = typeof extensionResponses === 'string' ? extensionResponses : undefined;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.byteLength;
    if (this.#size > this.#maxBytes) {
      this.#break('facilitator_invalid_answer', new Error(`answer over ${this.#maxBytes} bytes`));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#finish({
      kind: 'answered',
      status: this.#status,
      retryAfter: this.#retryAfter,
      location: this.#location,
      extensionResponses: this.#extensionResponses,
      body: Buffer.concat(this.#chunks),
    });
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#break(codeOf(error), error);
  }

  /** Ends the wait. It counts as a timeout, also when the caller's signal ended it. */
  giveUp(cause: unknown): void {
    this.#break('facilitator_timeout', cause);
  }

  #break(code: BrokenCode, cause: unknown): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#finish({ kind: 'broken', code, sent: this.#controller !== undefined, cause });
    this.#controller?.abort(asError(cause));
  }
}

const TOO_SLOW = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

function codeOf(error: Error): BrokenCode {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (TOO_SLOW.has(code)) return 'facilitator_timeout';
  // An answer that breaks off is a lost connection; these errors mean bytes that are no HTTP answer.
  const notHttp = error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError;
  return notHttp ? 'facilitator_invalid_answer' : 'facilitator_unreachable';
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error('given up', { cause });
}
