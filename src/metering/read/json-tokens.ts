/** Receives the tokens of a document. Each result says whether the token is allowed there. */
export interface TokenSink {
  /** Whether the text that begins now is wanted: others are skipped. */
  wantsText(): boolean;
  /**
   * A key or a text value; `undefined` for one that was passed over or is longer than any that is looked for.
   *
   * @param bytes as it is written; 0 when it was passed over
   */
  text(text: string | undefined, bytes: number): boolean;
  number(text: string): boolean;
  literal(value: boolean | null): boolean;
  /** One of `{}[],:`, as its byte. */
  punctuation(sign: number): boolean;
}

/** Longest key or text that is looked for, in bytes as it is written. */
const MAX_TEXT = 512;
/** Longest number, in characters. */
const MAX_NUMBER = 128;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PUNCTUATION = new Set(Buffer.from('{}[],:'));
const SPACE = new Set(Buffer.from(' \t\r\n'));

/** Cuts the bytes of one JSON document into tokens, wherever they are split. */
export class JsonTokens {
  readonly #sink: TokenSink;
  #state: 'between' | 'text' | 'word' = 'between';
  /** Bytes of the token so far, without quotes; empty for a text that is skipped. */
  #kept: number[] = [];
  #keeps = false;
  /** Bytes of the text so far. */
  #length = 0;
  #escaped = false;

  constructor(sink: TokenSink) {
    this.#sink = sink;
  }

  /** Bytes so far of a wanted text that has begun and is not over. */
  get openLength(): number {
    return this.#state === 'text' ? this.#length : 0;
  }

  /** Takes the next bytes; `false` when they are no JSON. */
  push(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'text') {
        at = this.#readText(bytes, at);
        if (at === -1) return false;
        continue;
      }
      const byte = bytes[at] ?? 0;
      const ends = byte === QUOTE || PUNCTUATION.has(byte) || SPACE.has(byte);
      if (ends && this.#state === 'word' && !this.#endWord()) return false;
      if (byte === QUOTE) this.#beginText();
      else if (PUNCTUATION.has(byte)) {
        if (!this.#sink.punctuation(byte)) return false;
      } else if (!ends && !this.#addToWord(byte)) return false;
      at += 1;
    }
    return true;
  }

  /** The document is over; `false` when it is cut off. The next one begins. */
  finish(): boolean {
    const whole = this.#state === 'between' || (this.#state === 'word' && this.#endWord());
    this.#state = 'between';
    this.#kept = [];
    this.#escaped = false;
    return whole;
  }

  #beginText(): void {
    this.#state = 'text';
    this.#kept = [];
    this.#keeps = this.#sink.wantsText();
    this.#length = 0;
    this.#escaped = false;
  }

  /** Reads on in a text from `at`; returns the next position, or -1 when the text is not allowed there. */
  #readText(bytes: Uint8Array, at: number): number {
    for (let index = at; index < bytes.length; index += 1) {
      const byte = bytes[index] ?? 0;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) return this.#endText() ? index + 1 : -1;
      if (this.#keeps) this.#keep(byte);
    }
    return bytes.length;
  }

  #keep(byte: number): void {
    if (this.#length < MAX_TEXT) this.#kept.push(byte);
    this.#length += 1;
  }

  #endText(): boolean {
    this.#state = 'between';
    const known = this.#keeps && this.#length <= MAX_TEXT;
    return this.#sink.text(known ? decodeText(Buffer.from(this.#kept).toString('utf8')) : undefined, this.#length);
  }

  #addToWord(byte: number): boolean {
    if (this.#state === 'between') this.#kept = [];
    this.#state = 'word';
    this.#kept.push(byte);
    return this.#kept.length <= MAX_NUMBER;
  }

  #endWord(): boolean {
    this.#state = 'between';
    const word = Buffer.from(this.#kept).toString('latin1');
    const literal = LITERALS.get(word);
    if (literal !== undefined) return this.#sink.literal(literal);
    return NUMBER.test(word) && this.#sink.number(word);
  }
}

/** The text of a JSON string; `undefined` for one with an invalid escape. */
function decodeText(written: string): string | undefined {
  if (!written.includes('\\')) return written;
  try {
    const text: unknown = JSON.parse(`"${written}"`);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
