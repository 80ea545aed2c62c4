import { Writable } from 'node:stream';

/** The destination of an answer: a response of `node:http`, or memory. */
export interface AnswerOutlet {
  readonly destroyed: boolean;
  /** Bytes that were written and are not taken yet. */
  readonly writableLength: number;
  /** Of the request: an answer to HTTP/1.0 ends with its connection. */
  readonly req: { readonly httpVersionMinor: number };
  readonly socket: { resetAndDestroy(): unknown } | null;
  on(event: 'finish' | 'close' | 'drain', listener: () => void): unknown;
  /** Returns `false` when the client has to take bytes before more may come. */
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  end(body: Uint8Array): unknown;
  end(body: string, encoding: 'latin1'): unknown;
  flushHeaders(): void;
  addTrailers(trailers: readonly [name: string, value: string][]): void;
  /** Ends it so that the client sees that it was cut off. */
  destroy(): unknown;
}

/**
 * Keeps an answer in memory, up to a bound. Above the bound it is destroyed, like the connection of a client that
 * leaves.
 */
export class MemoryOutlet extends Writable implements AnswerOutlet {
  readonly req = { httpVersionMinor: 1 };
  readonly socket = null;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  readonly #trailers: string[] = [];
  #bytes = 0;
  #isOver = false;

  /** @param maxBytes most that is kept */
  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
  }

  /** Whether there was more than fits. */
  get overflowed(): boolean {
    return this.#isOver;
  }

  /** All that was written. */
  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Flat list of names and values. */
  get trailers(): readonly string[] {
    return this.#trailers;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#maxBytes) {
      this.#chunks.push(chunk);
      done();
      return;
    }
    this.#isOver = true;
    this.#chunks.length = 0;
    this.destroy();
  }

  flushHeaders(): void {}

  addTrailers(trailers: readonly [name: string, value: string][]): void {
    this.#trailers.push(...trailers.flat());
  }
}
