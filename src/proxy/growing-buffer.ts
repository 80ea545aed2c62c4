/** Least that is allocated at once, in bytes. */
const LEAST_BYTES = 4096;

/** A budget of memory. */
export interface Room {
  /** Takes room for this many bytes more; `false` when there is none. */
  take(bytes: number): boolean;
}

const EMPTY = Buffer.alloc(0);

/**
 * Joins pieces in memory of its own. Pieces of a connection are not kept: each may pin more memory than it has bytes,
 * and thousands of one-byte pieces a thousand times as much. A single piece with memory of its own need not be copied.
 */
export class GrowingBuffer {
  readonly #mostBytes: number;
  readonly #room: Room;
  #memory: Buffer = EMPTY;
  /** Room that was taken, in bytes. */
  #taken = 0;
  #length = 0;

  /**
   * @param mostBytes more than that is never allocated; the caller appends no more
   * @param room is asked before memory is allocated
   */
  constructor(mostBytes: number, room: Room) {
    this.#mostBytes = mostBytes;
    this.#room = room;
  }

  /** Bytes that were added. */
  get length(): number {
    return this.#length;
  }

  /** Adds a piece; `false` when there is no room for it. */
  append(piece: Buffer): boolean {
    const length = this.#length + piece.length;
    if (length === piece.length && piece.buffer.byteLength === piece.length) return this.#adopt(piece);
    if (length > this.#memory.length && !this.#grow(length)) return false;
    piece.copy(this.#memory, this.#length);
    this.#length = length;
    return true;
  }

  /** All that was added, in one piece. */
  get bytes(): Buffer {
    return this.#length === this.#memory.length ? this.#memory : this.#memory.subarray(0, this.#length);
  }

  #adopt(piece: Buffer): boolean {
    if (!this.#takeUpTo(this.#sizeFor(piece.length))) return false;
    this.#memory = piece;
    this.#length = piece.length;
    return true;
  }

  #grow(least: number): boolean {
    const size = this.#sizeFor(least);
    if (!this.#takeUpTo(size)) return false;
    const memory = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(memory);
    this.#memory = memory;
    return true;
  }

  /** Allocates more than is needed now, so that not every piece allocates, within what is available. */
  #sizeFor(least: number): number {
    return Math.min(Math.max(least, 2 * this.#memory.length, LEAST_BYTES), Math.max(least, this.#mostBytes));
  }

  #takeUpTo(size: number): boolean {
    if (size > this.#taken && !this.#room.take(size - this.#taken)) return false;
    this.#taken = Math.max(this.#taken, size);
    return true;
  }
}
