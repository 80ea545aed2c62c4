import type { Fact, Facts, Lengths } from './facts.ts';
import { JsonTokens, type TokenSink } from './json-tokens.ts';
import { elementOf, memberOf, type Wanted } from './wanted.ts';

/** Deepest nesting of a document that is read. */
const MAX_DEPTH = 512;

/** An object or array that is open. */
interface Frame {
  readonly kind: 'object' | 'array';
  readonly place: Wanted | undefined;
  /** Names that were looked for and found: a second one could be read in two ways. */
  readonly met: Set<string> | undefined;
  /** The place of the next value. */
  next: Wanted | undefined;
  index: number;
  /** What may come next; `value` in an array means an element or, while it is empty, its end. */
  expects: 'key' | 'first-key' | 'colon' | 'value' | 'first-value' | 'comma';
}

/** How one document ended. */
export type Scanned = { readonly lengths: Lengths } & (
  | { readonly kind: 'read'; readonly facts: Facts }
  /** Not JSON, or JSON that is cut off, too deep, or has a member twice that is looked for. */
  | { readonly kind: 'unreadable'; readonly why: 'not_json' | 'duplicate_key' }
);

/**
 * Reads the wanted members of one JSON document, as its bytes arrive and however they are split. Memory does not grow
 * with the document. Only exact places count, so a model's output cannot forge them: it is inside a text or at another
 * place.
 */
export class JsonScanner implements TokenSink {
  readonly #wanted: Wanted;
  readonly #elements: boolean;
  readonly #onElement: (scanned: Scanned) => void;
  readonly #tokens = new JsonTokens(this);
  #stack: Frame[] = [];
  #facts = new Map<string, Fact>();
  #lengths = new Map<string, number>();
  #root: 'before' | 'inside' | 'over' = 'before';
  #broken: 'not_json' | 'duplicate_key' | undefined;

  /** @param elements called with each element of a root that is an array; without it such a root has no members */
  constructor(wanted: Wanted, elements?: (scanned: Scanned) => void) {
    this.#wanted = wanted;
    this.#elements = elements !== undefined;
    this.#onElement = elements ?? (() => {});
  }

  /** The lengths of the document that has begun. A text that has begun counts as far as it came. */
  get lengths(): Lengths {
    const frame = this.#stack.at(-1);
    const pointer = frame === undefined || isBeforeKey(frame) ? undefined : this.#placeOfValue(frame)?.pointer;
    if (pointer === undefined) return this.#lengths;
    return new Map(this.#lengths).set(pointer, (this.#lengths.get(pointer) ?? 0) + this.#tokens.openLength);
  }

  /** Takes the next bytes of the document. */
  push(bytes: Uint8Array): void {
    if (this.#broken !== 'not_json' && !this.#tokens.push(bytes)) this.#broken = 'not_json';
  }

  /** Ends the document and returns its result. The scanner then starts anew. */
  finish(): Scanned {
    const { lengths } = this;
    if (!this.#tokens.finish()) this.#broken ??= 'not_json';
    const complete = this.#root === 'over' && this.#broken === undefined;
    const scanned: Scanned = complete
      ? { kind: 'read', facts: this.#facts, lengths }
      : { kind: 'unreadable', why: this.#broken ?? 'not_json', lengths };
    this.#stack = [];
    this.#facts = new Map();
    this.#lengths = new Map();
    this.#root = 'before';
    this.#broken = undefined;
    return scanned;
  }

  wantsText(): boolean {
    const frame = this.#stack.at(-1);
    if (frame === undefined) return false;
    return isBeforeKey(frame) ? frame.place !== undefined : this.#placeOfValue(frame)?.pointer !== undefined;
  }

  text(text: string | undefined, bytes: number): boolean {
    const frame = this.#stack.at(-1);
    if (frame !== undefined && isBeforeKey(frame)) return this.#key(frame, text, bytes);
    return this.#scalar(text === undefined ? { kind: 'other' } : { kind: 'text', text }, bytes, true);
  }

  number(text: string): boolean {
    return this.#scalar({ kind: 'number', text }, text.length);
  }

  literal(value: boolean | null): boolean {
    return this.#scalar(value === null ? undefined : { kind: 'boolean', value }, String(value).length);
  }

  punctuation(sign: number): boolean {
    switch (sign) {
      case OPEN_OBJECT:
        return this.#open('object');
      case OPEN_ARRAY:
        return this.#open('array');
      case CLOSE_OBJECT:
        return this.#close('object', 'first-key');
      case CLOSE_ARRAY:
        return this.#close('array', 'first-value');
      case COLON:
        return this.#move('colon', 'value');
      default:
        return this.#move('comma', this.#stack.at(-1)?.kind === 'object' ? 'key' : 'value');
    }
  }

  #key(frame: Frame, name: string | undefined, bytes: number): boolean {
    frame.expects = 'colon';
    if (frame.place?.isDeep === true) this.#count(frame.place, bytes);
    frame.next = name === undefined ? undefined : memberOf(frame.place, name);
    if (frame.next === undefined || name === undefined) return true;
    if (frame.met?.has(name)) this.#broken ??= 'duplicate_key';
    frame.met?.add(name);
    return true;
  }

  /** Only below a deep place does what is no text count as one. */
  #scalar(fact: Fact | undefined, bytes: number, isText = false): boolean {
    const enter = (place: Wanted | undefined): void => {
      this.#note(place, fact);
      if (isText || place?.isDeep === true) this.#count(place, bytes);
    };
    return this.#startValue(enter) && this.#endValue();
  }

  #count(place: Wanted | undefined, bytes: number): void {
    if (place?.pointer === undefined) return;
    this.#lengths.set(place.pointer, (this.#lengths.get(place.pointer) ?? 0) + bytes);
  }

  #note(place: Wanted | undefined, fact: Fact | undefined): void {
    if (place?.pointer !== undefined && fact !== undefined) this.#facts.set(place.pointer, fact);
  }

  #open(kind: Frame['kind']): boolean {
    if (this.#stack.length === MAX_DEPTH) return false;
    return this.#startValue((place) => {
      this.#note(place, { kind: 'other' });
      // Below a deep place a model chooses the names: one that is there twice says nothing of the figures.
      const met = place === undefined || place.isDeep || kind === 'array' ? undefined : new Set<string>();
      const expects = kind === 'object' ? 'first-key' : 'first-value';
      this.#stack.push({ kind, place, met, next: undefined, index: 0, expects });
    });
  }

  #close(kind: Frame['kind'], whenEmpty: Frame['expects']): boolean {
    const frame = this.#stack.at(-1);
    if (frame?.kind !== kind || (frame.expects !== 'comma' && frame.expects !== whenEmpty)) return false;
    this.#stack.pop();
    return this.#endValue();
  }

  #move(from: Frame['expects'], to: Frame['expects']): boolean {
    const frame = this.#stack.at(-1);
    if (frame?.expects !== from) return false;
    frame.expects = to;
    return true;
  }

  /** A value begins: `enter` is called with its place. `false` where none is allowed. */
  #startValue(enter: (place: Wanted | undefined) => void): boolean {
    const frame = this.#stack.at(-1);
    if (frame === undefined) {
      if (this.#root !== 'before') return false;
      this.#root = 'inside';
      enter(this.#wanted);
      return true;
    }
    if (frame.expects !== 'value' && frame.expects !== 'first-value') return false;
    const place = this.#placeOfValue(frame);
    frame.index += 1;
    frame.expects = 'comma';
    enter(place);
    return true;
  }

  #placeOfValue(frame: Frame): Wanted | undefined {
    if (frame.kind === 'object') return frame.next;
    // The elements of a root that is an array are documents of their own.
    return this.#isListOfDocuments(frame) ? this.#wanted : elementOf(frame.place, frame.index);
  }

  #endValue(): boolean {
    const frame = this.#stack.at(-1);
    if (frame === undefined) this.#root = 'over';
    else if (this.#isListOfDocuments(frame)) this.#element();
    return true;
  }

  #isListOfDocuments(frame: Frame): boolean {
    return this.#elements && frame.kind === 'array' && frame === this.#stack[0];
  }

  #element(): void {
    const ambiguous = this.#broken === 'duplicate_key';
    const lengths = this.#lengths;
    this.#onElement(
      ambiguous ? { kind: 'unreadable', why: 'duplicate_key', lengths } : { kind: 'read', facts: this.#facts, lengths },
    );
    this.#facts = new Map();
    this.#lengths = new Map();
    this.#broken = undefined;
  }
}

/** Whether the next text is a key. */
function isBeforeKey({ expects }: Frame): boolean {
  return expects === 'key' || expects === 'first-key';
}

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COLON = 0x3a;
