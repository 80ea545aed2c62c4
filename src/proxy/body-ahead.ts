import type { BodyRoom, Collected } from './upstream-response.ts';

/**
 * Bytes of a body that are read while its head is held: most answers end within them, and their connection is free
 * again.
 */
const FIRST_BYTES = 16 * 1024;

/** The beginning of a body that is read before it is relayed, up to a limit. */
export class BodyAhead {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  #most = FIRST_BYTES;
  #room: BodyRoom | undefined;
  #isCramped = false;
  #collected: PromiseWithResolvers<Collected> | undefined;

  /** Takes a chunk; `false` when there is now more than may be kept. */
  take(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.#occupy(chunk.length);
    return !this.isFull;
  }

  /** Whether there is more than fits. */
  get isFull(): boolean {
    return this.bytes > this.#most || this.#isCramped;
  }

  /** Reads on up to `most` bytes, as long as there is room for them; resolves when reading ahead has ended. */
  collect(most: number, room?: BodyRoom): Promise<Collected> {
    this.#most = most;
    this.#room = room;
    this.#occupy(this.bytes);
    this.#collected = Promise.withResolvers<Collected>();
    return this.#collected.promise;
  }

  /** Sets the result of reading ahead; only the first call counts. */
  end(kind: Collected['kind'], silent = false): void {
    switch (kind) {
      case 'whole':
        this.#collected?.resolve({ kind, body: this.whole() });
        return;
      case 'larger':
        this.#collected?.resolve({ kind });
        return;
      case 'broke':
        this.#collected?.resolve({ kind, silent });
    }
  }

  #occupy(bytes: number): void {
    if (this.#room?.take(bytes) === false) this.#isCramped = true;
  }

  /** All that was taken, in one piece. */
  whole(): Buffer {
    const [first, ...others] = this.chunks;
    return first !== undefined && others.length === 0 ? first : Buffer.concat(this.chunks);
  }
}
