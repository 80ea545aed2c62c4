import { GatewayError } from '../domain/gateway-error.ts';
import type { BodyWatch } from './upload-body.ts';
import { UpstreamFault } from './upstream-fault.ts';

/** Ends a body without an announced length that grows over its limit. The upstream never gets the whole of it. */
export class BodyLimit implements BodyWatch {
  readonly #maxBytes: number;
  readonly #inner: BodyWatch | undefined;
  #bytes = 0;

  /** `inner` watches what is within the limit. */
  constructor(maxBytes: number, inner: BodyWatch | undefined) {
    this.#maxBytes = maxBytes;
    this.#inner = inner;
  }

  see(chunk: Buffer): GatewayError | undefined {
    this.#bytes += chunk.length;
    return this.#bytes > this.#maxBytes ? bodyTooLarge(this.#maxBytes) : this.#inner?.see(chunk);
  }

  mayEnd(): boolean {
    return this.#inner?.mayEnd() ?? true;
  }
}

/**
 * `request_body_too_large`: what an upstream may have seen of the request was cut off before its end, and is not a
 * request.
 */
export function bodyTooLarge(maxBytes: number): GatewayError {
  return new GatewayError('request_body_too_large', {
    detail: `A body may have ${maxBytes} bytes here.`,
    cause: new UpstreamFault('The body grew over its limit and was cut off.', 'no'),
  });
}
