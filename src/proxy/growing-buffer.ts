/** Least that is allocated at once, in bytes. */
const LEAST_BYTES = 4096;

/**
 * Puts pieces together in memory of its own. Pieces of a connection are not kept as they are: each may hold on to more
 * memory than it has bytes, and thousands of a byte each to a thousand times as much.
 */
export class GrowingBuffer {
  readonly #mostBytes: number;
  readonly #take: (bytes: number) => boolean;
  #memory = Buffer.alloc(0);
  #length = 0;

  /**
   * @param mostBytes more than that is never allocated; the caller appends no more
   * @param take asks for room before memory is allocated; `false` when there is none
   */
  constructor(mostBytes: number, take: (bytes: number) => boolean) {
    this.#mostBytes = mostBytes;
    this.#take = take;
  }

  /** Adds a piece; `false` when there is no room for it. */
  append(piece: Buffer): boolean {
    const length = this.#length + piece.length;
    if (length > this.#memory.length && !this.#grow(length)) return false;
    piece.copy(this.#memory, this.#length);
    this.#length = length;
    return true;
  }

  /** All that was added, in one piece. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  #grow(least: number): boolean {
    const size = Math.min(Math.max(least, 2 * this.#memory.length, LEAST_BYTES), Math.max(least, this.#mostBytes));
    if (!this.#take(size - this.#memory.length)) return false;
    const memory = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(memory);
    this.#memory = memory;
    return true;
  }
}
