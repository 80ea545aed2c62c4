const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Passes over the byte order mark at the start of a body, as every client of the web does, wherever it is split. */
export class MarkSkip {
  /** Number of bytes read of the mark; its full length once other bytes came. */
  #met = 0;

  /** The bytes without those of the mark. */
  rest(bytes: Uint8Array): Uint8Array {
    let at = 0;
    while (this.#met < BYTE_ORDER_MARK.length && at < bytes.length) {
      if (bytes[at] !== BYTE_ORDER_MARK[this.#met]) this.#met = BYTE_ORDER_MARK.length;
      else {
        this.#met += 1;
        at += 1;
      }
    }
    return bytes.subarray(at);
  }
}
