/** A payload without a payment in its family's form; the text is for its sender. */
export class UnreadablePayment extends Error {
  /** @param what continues the words "the payment", such as `ends too early` */
  constructor(what: string) {
    super(`the payment ${what}`);
  }
}

/** Reads bytes that a stranger sent, from the first to the last; never beyond them. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws UnreadablePayment when fewer are left */
  bytes(count: number): Buffer {
    if (count > this.left) throw new UnreadablePayment('ends too early');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** @throws UnreadablePayment when none is left */
  byte(): number {
    return this.bytes(1).readUInt8(0);
  }

  /** The bytes that were read since the reader was `at` that place. */
  since(at: number): Buffer {
    return this.#bytes.subarray(at, this.#at);
  }

  /**
   * Reads `count` items, each of at least a byte.
   *
   * @throws UnreadablePayment when there cannot be as many
   */
  times<T>(count: number, item: () => T): readonly T[] {
    if (count > this.left) throw new UnreadablePayment('ends too early');
    return Array.from({ length: count }, item);
  }
}
