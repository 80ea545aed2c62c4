import { Readable } from 'node:stream';
import { GatewayError } from '../domain/gateway-error.ts';
import { bodyTooLarge } from './body-limit.ts';
import type { BodyHold, RequestBody, Upload } from './request-body.ts';
import type { BodyWatch } from './upload-body.ts';
import { BodyRefusedError } from './upstream-fault.ts';

/** A body that is in memory already: that of a request without a connection of its own. */
export function bodyOfBytes(bytes: Buffer, framing: Framing = 'length'): RequestBody {
  return new KeptBody(bytes, framing);
}

/** How a client frames a body. */
export type Framing = 'length' | 'chunked';

/** A body in memory. */
export class KeptBody implements RequestBody {
  readonly #framing: Framing;
  readonly #hold: BodyHold | undefined;
  readonly held: Buffer;
  #replacement: Buffer | undefined;

  constructor(bytes: Buffer, framing: Framing, hold?: BodyHold) {
    this.held = bytes;
    this.#framing = framing;
    this.#hold = hold;
  }

  get replacement(): Buffer | undefined {
    return this.#replacement;
  }

  async read(maxBytes: number): Promise<Buffer> {
    return this.readArrived(maxBytes);
  }

  readArrived(maxBytes: number): Buffer {
    if (this.held.length > maxBytes) throw bodyTooLarge(maxBytes);
    return this.held;
  }

  replaceWith(bytes: Buffer): void {
    if (this.#hold?.take(bytes.length) === false) throw new GatewayError('too_many_bodies');
    this.#replacement = bytes;
  }

  open(): Upload | undefined {
    const bytes = this.#replacement ?? this.held;
    if (bytes.length === 0 && this.#framing === 'length') return undefined;
    return new KeptUpload(bytes, this.#hold);
  }

  async pass(watch: BodyWatch): Promise<void> {
    const fault = watch.see(this.held);
    if (fault !== undefined) throw fault;
    if (!watch.mayEnd()) throw new BodyRefusedError();
  }
}

/**
 * A body in memory on its way to the upstream. It is a stream, because undici would measure a buffer and choose the
 * framing.
 */
class KeptUpload extends Readable implements Upload {
  readonly waitsForClient = false;
  readonly lacksEnd = false;
  readonly #bytes: Buffer;
  readonly #hold: BodyHold | undefined;
  #begun = false;

  constructor(bytes: Buffer, hold: BodyHold | undefined) {
    super();
    this.#bytes = bytes;
    this.#hold = hold;
    this.on('error', () => {});
  }

  override _read(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#bytes.length > 0) this.push(this.#bytes);
    // undici reads once before it looks for a length: the end must not be there yet.
    process.nextTick(() => this.push(null));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#hold?.release();
    callback(error);
  }
}
