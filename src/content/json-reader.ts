import { foldKey } from '../domain/fold-key.ts';
import { plainNumber } from '../domain/plain-number.ts';
import { END, JsonScanner, SIGN } from './json-scanner.ts';
import { NO_POINTERS, type PointerTree } from './pointer-tree.ts';

/** Deepest nesting that is read. */
const MOST_DEPTH = 64;

/** Most items of a list that are read one by one. */
const MOST_ITEMS = 10_000;

/** Up to this many keys of an object, each is compared with all before it. Above, they are looked up. */
const FEW_KEYS = 16;

const PROTOTYPE = '__proto__';

/** The value at a pointer. */
export type JsonValue =
  | { readonly kind: 'text'; readonly text: string }
  /** In its one spelling. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'word'; readonly text: 'true' | 'false' | 'null' }
  | { readonly kind: 'object' }
  | { readonly kind: 'array' };

/** The wanted values of a document, by pointer. A missing one is absent. */
export type JsonFacts = ReadonlyMap<string, JsonValue>;

/** What was read of a document. */
export interface JsonDocument {
  readonly facts: JsonFacts;
  /** The same for each item, where the document is a list and items were asked for. */
  readonly items: readonly JsonFacts[] | undefined;
}

/**
 * Reads values out of a JSON text (RFC 8259), and refuses every text that another reader could read in another way: one
 * with a byte order mark, other encodings than UTF-8, comments, trailing commas or bytes, lone surrogates, a key that
 * an object has twice (after unescaping; on the path of a pointer also if only the case differs), nesting over 64, NUL
 * in a key, `__proto__` on the path of a pointer, more items than 10 000 where they are read one by one, or a number
 * that is asked for and that doubles cannot hold.
 *
 * @param itemsToo whether a list at the top is read item by item, the pointers being those of the items
 * @throws GatewayError `body_ambiguous`
 */
export function readJson(bytes: Buffer, tree: PointerTree, itemsToo: boolean): JsonDocument {
  return new JsonReader(bytes).document(tree, itemsToo);
}

class JsonReader {
  readonly #scan: JsonScanner;
  #depth = 0;
  /** Start and end of each key of the open objects, the innermost last. From `#keysEnd` on: of closed ones. */
  readonly #keys: number[] = [];
  #keysEnd = 0;
  #facts = new Map<string, JsonValue>();

  constructor(bytes: Buffer) {
    this.#scan = new JsonScanner(bytes);
  }

  document(tree: PointerTree, itemsToo: boolean): JsonDocument {
    const scan = this.#scan;
    scan.blanks();
    const items = itemsToo && scan.byte === SIGN.openList ? this.#items(tree) : undefined;
    if (items === undefined) this.#value(tree);
    scan.blanks();
    if (scan.byte !== END) throw scan.wrong('something follows the value');
    return { facts: this.#facts, items };
  }

  #items(tree: PointerTree): readonly JsonFacts[] {
    const items: JsonFacts[] = [];
    const outer = this.#facts;
    for (let more = this.#open(SIGN.closeList); more; more = this.#more(SIGN.closeList)) {
      if (items.length === MOST_ITEMS) throw this.#scan.wrong(`it has more than ${MOST_ITEMS} items`);
      this.#facts = new Map();
      this.#value(tree);
      items.push(this.#facts);
    }
    this.#facts = outer;
    return items;
  }

  #value(tree: PointerTree): void {
    const { byte } = this.#scan;
    switch (byte) {
      case SIGN.openObject:
        if (tree.pointer !== undefined) this.#facts.set(tree.pointer, { kind: 'object' });
        this.#object(tree);
        break;
      case SIGN.openList:
        if (tree.pointer !== undefined) this.#facts.set(tree.pointer, { kind: 'array' });
        this.#list(tree);
        break;
      case SIGN.quote:
        this.#text(tree);
        break;
      case 0x74:
        this.#word('true', tree);
        break;
      case 0x66:
        this.#word('false', tree);
        break;
      case 0x6e:
        this.#word('null', tree);
        break;
      default:
        this.#number(tree);
    }
  }

  /** A reader in C may end a text at NUL. */
  #text({ pointer }: PointerTree): void {
    this.#scan.text();
    if (pointer === undefined) return;
    const text = this.#scan.passed;
    if (text.includes('\0')) throw this.#scan.wrong('a text that decides holds NUL');
    this.#facts.set(pointer, { kind: 'text', text });
  }

  #word(text: 'true' | 'false' | 'null', { pointer }: PointerTree): void {
    this.#scan.word(text);
    if (pointer !== undefined) this.#facts.set(pointer, { kind: 'word', text });
  }

  #number({ pointer }: PointerTree): void {
    this.#scan.number();
    if (pointer === undefined) return;
    const text = plainNumber(this.#scan.passed);
    if (text === undefined) throw this.#scan.wrong('a number that decides is not the same one to every reader');
    this.#facts.set(pointer, { kind: 'number', text });
  }

  #list(tree: PointerTree): void {
    const asksItems = tree.children.size > 0;
    let index = 0;
    for (let more = this.#open(SIGN.closeList); more; more = this.#more(SIGN.closeList)) {
      this.#value((asksItems && tree.children.get(String(index))) || NO_POINTERS);
      index += 1;
    }
  }

  #object(tree: PointerTree): void {
    const scan = this.#scan;
    const first = this.#keysEnd;
    let known: Set<string> | undefined;
    for (let more = this.#open(SIGN.closeObject); more; more = this.#more(SIGN.closeObject)) {
      if (scan.byte !== SIGN.quote) throw scan.wrong('a key is no text');
      scan.text();
      const child = this.#childOf(tree);
      if (scan.isEscaped || this.#keysEnd - first === 2 * FEW_KEYS) known ??= this.#keysFrom(first);
      if (known === undefined) this.#noteKey(first);
      else this.#addKey(known);
      scan.blanks();
      if (!scan.take(SIGN.colon)) throw scan.wrong('a key has no value');
      this.#value(child);
    }
    this.#keysEnd = first;
  }

  /** Keys without escapes are equal if their bytes are: no strings have to be made. */
  #noteKey(first: number): void {
    const scan = this.#scan;
    const keys = this.#keys;
    const end = this.#keysEnd;
    for (let at = first; at < end; at += 2) {
      if (scan.isSame(keys[at] ?? 0, keys[at + 1] ?? 0)) throw this.#twice(scan.passed);
    }
    keys[end] = scan.from;
    keys[end + 1] = scan.to;
    this.#keysEnd = end + 2;
  }

  #keysFrom(first: number): Set<string> {
    const known = new Set<string>();
    for (let at = first; at < this.#keysEnd; at += 2)
      known.add(this.#scan.slice(this.#keys[at] ?? 0, this.#keys[at + 1] ?? 0));
    return known;
  }

  #addKey(known: Set<string>): void {
    const key = this.#scan.passed;
    if (known.has(key)) throw this.#twice(key);
    known.add(key);
  }

  #twice(key: string): Error {
    return this.#scan.wrong(`the key ${shown(key)} is there twice`);
  }

  /** A reader that ignores case would find what is asked for under such a key, others would not. */
  #childOf(tree: PointerTree): PointerTree {
    const scan = this.#scan;
    if (scan.isPlain) {
      const length = scan.to - scan.from;
      if (tree === NO_POINTERS || !(tree.lengths.includes(length) || length === PROTOTYPE.length)) return NO_POINTERS;
    } else if (scan.passed.includes('\0')) throw scan.wrong('a key holds NUL');
    if (tree.children.size === 0) return NO_POINTERS;
    const key = scan.passed;
    // Its members become those of the object that it is copied to (`Object.assign`).
    if (key === PROTOTYPE) throw scan.wrong(`the key ${PROTOTYPE} gives an object members that it does not have`);
    const child = tree.children.get(key);
    if (child !== undefined) return child;
    const meant = tree.folded.get(foldKey(key));
    if (meant !== undefined) throw scan.wrong(`the key ${shown(key)} differs from ${shown(meant)} in case only`);
    return NO_POINTERS;
  }

  /** Skips a bracket; `false` where nothing is between the brackets. */
  #open(end: number): boolean {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw this.#scan.wrong(`it is nested deeper than ${MOST_DEPTH}`);
    this.#scan.skip();
    return this.#scan.byte === end ? this.#close() : true;
  }

  /** Skips what follows a part: a comma, or the bracket at the end; returns whether there is another part. */
  #more(end: number): boolean {
    const scan = this.#scan;
    scan.blanks();
    if (scan.take(SIGN.comma)) return true;
    if (scan.byte !== end) throw scan.wrong(`${String.fromCharCode(end)} is missing`);
    return this.#close();
  }

  #close(): false {
    this.#scan.skip();
    this.#depth -= 1;
    return false;
  }
}

function shown(key: string): string {
  return JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key);
}
