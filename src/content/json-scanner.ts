import { isAscii, isUtf8 } from 'node:buffer';
import { bodyAmbiguous } from './json-fault.ts';

/** Bytes of JSON's own signs. */
export const SIGN = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openList: 0x5b,
  closeList: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;

const SPACE = 0x20;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_E = 0x65;
const LETTER_U = 0x75;

/** What stands for a byte after the last one. A number like the others, as V8 compares those fast. */
export const END = -1;

/** Letters that make an escape with the backslash before them. */
const ESCAPES: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\/bfnrt', 'latin1'));

/**
 * Steps through the bytes of a JSON text (RFC 8259), and makes strings only on demand: of a prompt of many kilobytes
 * one name is read.
 *
 * @throws GatewayError `body_ambiguous`, from the step that meets bytes which are not JSON in UTF-8
 */
export class JsonScanner {
  readonly #bytes: Buffer;
  /** The whole text, where it is ASCII. */
  readonly #ascii: string | undefined;
  #at = 0;
  #from = 0;
  #to = 0;
  #isEscaped = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#ascii = isAscii(bytes) ? bytes.toString('latin1') : undefined;
    if (this.#ascii === undefined && !isUtf8(bytes)) throw bodyAmbiguous('The body is not UTF-8.');
  }

  /** The current byte; {@link END} after the last one. */
  get byte(): number {
    return this.#bytes[this.#at] ?? END;
  }

  /** Skips the current byte, and blanks after it. */
  skip(): void {
    this.#at += 1;
    this.blanks();
  }

  /** Does the same if the current byte is `byte`; returns whether it was. */
  take(byte: number): boolean {
    if (this.byte !== byte) return false;
    this.skip();
    return true;
  }

  /** Passes blanks. */
  blanks(): void {
    for (;;) {
      const { byte } = this;
      if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at += 1;
    }
  }

  /** Passes these letters. */
  word(word: string): void {
    for (let index = 0; index < word.length; index += 1)
      if (this.#bytes[this.#at + index] !== word.charCodeAt(index)) throw this.wrong('there is no value');
    this.#at += word.length;
  }

  /** Passes a number. */
  number(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    this.#from = at;
    if (bytes[at] === MINUS) at += 1;
    at = bytes[at] === ZERO ? at + 1 : this.#afterDigits(at);
    if (bytes[at] === POINT) at = this.#afterDigits(at + 1);
    if (lowerCase(bytes[at]) === LETTER_E) {
      at += 1;
      if (bytes[at] === PLUS || bytes[at] === MINUS) at += 1;
      at = this.#afterDigits(at);
    }
    this.#isEscaped = false;
    this.#to = at;
    this.#at = at;
  }

  /** Skips a text with its quotes; the first quote is the current byte. */
  text(): void {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    this.#from = at;
    this.#isEscaped = false;
    for (;;) {
      const byte = bytes[at] ?? END;
      if (byte === SIGN.quote) break;
      if (byte === BACKSLASH) {
        this.#isEscaped = true;
        at = this.#afterEscape(at);
      } else if (byte < SPACE) {
        throw this.wrong('a text does not end, or holds a control character', at);
      } else at += 1;
    }
    this.#to = at;
    this.#at = at + 1;
  }

  /** Where the text or number begins that was passed last; of a text, behind its quote. */
  get from(): number {
    return this.#from;
  }

  /** Where it ends; of a text, before its quote. */
  get to(): number {
    return this.#to;
  }

  /** Whether it is a text with an escape. */
  get isEscaped(): boolean {
    return this.#isEscaped;
  }

  /** Whether its bytes are the same as those from one place to another. */
  isSame(from: number, to: number): boolean {
    const bytes = this.#bytes;
    const distance = from - this.#from;
    if (to - this.#to !== distance) return false;
    for (let at = this.#from; at < this.#to; at += 1) if (bytes[at] !== bytes[at + distance]) return false;
    return true;
  }

  /** What was passed last, unescaped. */
  get passed(): string {
    if (!this.#isEscaped) return this.slice(this.#from, this.#to);
    return String(JSON.parse(this.slice(this.#from - 1, this.#to + 1)));
  }

  /** Whether the text that was skipped last reads as it is written, in ASCII letters. */
  get isPlain(): boolean {
    return this.#ascii !== undefined && !this.#isEscaped;
  }

  /** A fault with what is wrong, and where. */
  wrong(what: string, at = this.#at): Error {
    return bodyAmbiguous(`The body is not read: ${what}, at character ${this.slice(0, at).length}.`);
  }

  /** The text from one place to another, as it is written. */
  slice(from: number, to: number): string {
    return this.#ascii === undefined ? this.#bytes.toString('utf8', from, to) : this.#ascii.slice(from, to);
  }

  #afterDigits(from: number): number {
    let at = from;
    for (;;) {
      const byte = this.#bytes[at] ?? END;
      if (byte < ZERO || byte > NINE) break;
      at += 1;
    }
    if (at === from) throw this.wrong('there is no value', at);
    return at;
  }

  /** Returns the place after an escape. A surrogate must have its other half. */
  #afterEscape(at: number): number {
    const letter = this.#bytes[at + 1];
    if (letter !== LETTER_U) {
      if (!ESCAPES.has(letter)) throw this.wrong('a text holds an escape that is none', at);
      return at + 2;
    }
    const half = this.#unitAt(at) & 0xfc00;
    if (half !== 0xd800 && half !== 0xdc00) return at + 6;
    const isPair = half === 0xd800 && this.#bytes[at + 6] === BACKSLASH && this.#bytes[at + 7] === LETTER_U;
    if (!isPair || (this.#unitAt(at + 6) & 0xfc00) !== 0xdc00)
      throw this.wrong('a text holds half of a surrogate pair', at);
    return at + 12;
  }

  /** The code unit of an escape with four digits. */
  #unitAt(place: number): number {
    const bytes = this.#bytes;
    let unit = 0;
    for (let at = place + 2; at < place + 6; at += 1) unit = (unit << 4) | hexDigit(bytes[at]);
    if (unit < 0) throw this.wrong('a text holds an escape that is none', place);
    return unit;
  }
}

function lowerCase(byte = 0): number {
  return byte | 0x20;
}

/** -1, with all bits set, for a byte that is not a digit. */
function hexDigit(byte = 0): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = lowerCase(byte);
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
