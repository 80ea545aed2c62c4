/** A part of a text: fixed, or computed for each use. */
export type TextPart<T> = string | ((value: T) => string);

/**
 * JSON of fixed and changing parts, in base64. Fixed parts are encoded once. Each part but the last ends between two
 * tokens, where white space has no meaning. White space fills the part up to a multiple of three bytes, so that its
 * base64 can stand alone.
 */
export class Base64Text<T> {
  readonly #parts: readonly TextPart<T>[];
  /** Length of the fixed parts in base64. */
  readonly fixedLength: number;

  constructor(parts: readonly TextPart<T>[]) {
    this.#parts = joined(parts).map((part) => (typeof part === 'string' ? encode(padded(part)) : part));
    this.fixedLength = this.#parts.reduce((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0);
  }

  write(value: T): string {
    const last = this.#parts.length - 1;
    let text = '';
    for (const [index, part] of this.#parts.entries()) {
      if (typeof part === 'string') text += part;
      else text += encode(index === last ? part(value) : padded(part(value)));
    }
    return text;
  }
}

/** Joins fixed parts that follow each other, which avoids white space between them. */
function joined<T>(parts: readonly TextPart<T>[]): readonly TextPart<T>[] {
  const all: TextPart<T>[] = [];
  for (const part of parts) {
    const before = all.at(-1);
    if (typeof part === 'string' && typeof before === 'string') all[all.length - 1] = before + part;
    else if (part !== '') all.push(part);
  }
  return all;
}

function padded(text: string): string {
  return text + ' '.repeat((3 - (Buffer.byteLength(text) % 3)) % 3);
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
