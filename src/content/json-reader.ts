import { isUtf8 } from 'node:buffer';
import { plainNumber } from '../domain/plain-number.ts';
import { bodyAmbiguous } from './json-fault.ts';
import { foldKey, type PointerTree } from './pointer-tree.ts';

/** Deepest nesting that is read. */
const MOST_DEPTH = 64;

/** Most items of a list that are read one by one. */
const MOST_ITEMS = 10_000;

/** What stands at a pointer. */
export type JsonValue =
  | { readonly kind: 'text'; readonly text: string }
  /** In its one spelling. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'word'; readonly text: 'true' | 'false' | 'null' }
  | { readonly kind: 'object' }
  | { readonly kind: 'array' };

/** What was asked for of one value: pointers and what stands there. What is not there is absent. */
export type JsonFacts = ReadonlyMap<string, JsonValue>;

/** What was read of a document. */
export interface JsonDocument {
  readonly facts: JsonFacts;
  /** The same for each item, where the document is a list and items were asked for. */
  readonly items: readonly JsonFacts[] | undefined;
}

/**
 * Reads values out of a JSON text (RFC 8259), and refuses every text that another reader could read in another way:
 * one with a byte order mark, other encodings than UTF-8, comments, trailing commas or bytes, lone surrogates, a key
 * that an object has twice (after unescaping, and on the way to what is asked for also without its case), nesting over
 * 64, NUL in a key, more items than 10 000 where they are read one by one, or a number that is asked for and that doubles cannot hold.
 *
 * @param itemsToo whether a list at the top is read item by item, the pointers being those of the items
 * @throws GatewayError `body_ambiguous`
 */
export function readJson(bytes: Buffer, tree: PointerTree, itemsToo: boolean): JsonDocument {
  if (!isUtf8(bytes)) throw bodyAmbiguous('The body is not UTF-8.');
  return new JsonReader(bytes.toString('utf8')).document(tree, itemsToo);
}

const NO_TREE: PointerTree = { pointer: undefined, children: new Map(), folded: new Map() };

class JsonReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #facts = new Map<string, JsonValue>();

  constructor(text: string) {
    this.#text = text;
  }

  document(tree: PointerTree, itemsToo: boolean): JsonDocument {
    this.#skipSpace();
    const items = itemsToo && this.#text[this.#at] === '[' ? this.#items(tree) : undefined;
    if (items === undefined) this.#value(tree);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#wrong('something follows the value');
    return { facts: this.#facts, items };
  }

  #items(tree: PointerTree): readonly JsonFacts[] {
    const items: JsonFacts[] = [];
    this.#list(() => {
      if (items.length === MOST_ITEMS) throw this.#wrong(`it has more than ${MOST_ITEMS} items`);
      this.#facts = new Map();
      this.#value(tree);
      items.push(this.#facts);
    });
    this.#facts = new Map();
    return items;
  }

  #value(tree: PointerTree): void {
    switch (this.#text[this.#at]) {
      case '{':
        this.#note(tree, { kind: 'object' });
        this.#object(tree);
        break;
      case '[':
        this.#note(tree, { kind: 'array' });
        this.#list((index) => this.#value(tree.children.get(String(index)) ?? NO_TREE));
        break;
      case '"':
        this.#noteText(tree, this.#string());
        break;
      case 't':
        this.#word('true', tree);
        break;
      case 'f':
        this.#word('false', tree);
        break;
      case 'n':
        this.#word('null', tree);
        break;
      default:
        this.#number(tree);
    }
  }

  /** A reader in C may end a text at NUL. */
  #noteText(tree: PointerTree, text: string): void {
    if (tree.pointer !== undefined && text.includes('\0')) throw this.#wrong('a text that decides holds NUL');
    this.#note(tree, { kind: 'text', text });
  }

  #note({ pointer }: PointerTree, value: JsonValue): void {
    if (pointer !== undefined) this.#facts.set(pointer, value);
  }

  #object(tree: PointerTree): void {
    const keys = new Set<string>();
    this.#enclosed('}', () => {
      if (this.#text[this.#at] !== '"') throw this.#wrong('a key is no text');
      const key = this.#string();
      if (keys.has(key)) throw this.#wrong(`the key ${shown(key)} is there twice`);
      if (key.includes('\0')) throw this.#wrong('a key holds NUL');
      keys.add(key);
      this.#skipSpace();
      if (this.#text[this.#at] !== ':') throw this.#wrong('a key has no value');
      this.#at += 1;
      this.#skipSpace();
      this.#value(this.#childOf(tree, key));
    });
  }

  /** A reader that ignores case would find what is asked for under such a key, others would not. */
  #childOf(tree: PointerTree, key: string): PointerTree {
    const child = tree.children.get(key);
    if (child !== undefined) return child;
    if (tree.folded.size > 0 && tree.folded.has(foldKey(key)))
      throw this.#wrong(
        `the key ${shown(key)} differs from ${shown(tree.folded.get(foldKey(key)) ?? '')} in case only`,
      );
    return NO_TREE;
  }

  #list(item: (index: number) => void): void {
    let index = 0;
    this.#enclosed(']', () => {
      item(index);
      index += 1;
    });
  }

  /** What stands between brackets, with commas between its parts. */
  #enclosed(end: '}' | ']', part: () => void): void {
    this.#at += 1;
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw this.#wrong(`it is nested deeper than ${MOST_DEPTH}`);
    this.#skipSpace();
    if (this.#text[this.#at] !== end) {
      for (;;) {
        part();
        this.#skipSpace();
        if (this.#text[this.#at] !== ',') break;
        this.#at += 1;
        this.#skipSpace();
      }
      if (this.#text[this.#at] !== end) throw this.#wrong(`${end} is missing`);
    }
    this.#at += 1;
    this.#depth -= 1;
  }

  #word(word: 'true' | 'false' | 'null', tree: PointerTree): void {
    if (!this.#text.startsWith(word, this.#at)) throw this.#wrong('there is no value');
    this.#at += word.length;
    this.#note(tree, { kind: 'word', text: word });
  }

  #number(tree: PointerTree): void {
    NUMBER.lastIndex = this.#at;
    const lexeme = NUMBER.exec(this.#text)?.[0];
    if (lexeme === undefined) throw this.#wrong('there is no value');
    this.#at += lexeme.length;
    if (tree.pointer === undefined) return;
    const text = plainNumber(lexeme);
    if (text === undefined) throw this.#wrong('a number that decides is not the same one to every reader');
    this.#note(tree, { kind: 'number', text });
  }

  /** A text between quotes, unescaped. */
  #string(): string {
    PLAIN.lastIndex = this.#at + 1;
    const plain = PLAIN.exec(this.#text)?.[0] ?? '';
    const end = this.#at + 1 + plain.length;
    if (this.#text[end] === '"') {
      this.#at = end + 1;
      return plain;
    }
    return this.#escaped(plain, end);
  }

  #escaped(begun: string, from: number): string {
    let text = begun;
    this.#at = from;
    for (;;) {
      const next = this.#text[this.#at];
      if (next === '"') break;
      if (next !== '\\') throw this.#wrong('a text does not end, or holds a control character');
      text += this.#escape();
      PLAIN.lastIndex = this.#at;
      const plain = PLAIN.exec(this.#text)?.[0] ?? '';
      text += plain;
      this.#at += plain.length;
    }
    this.#at += 1;
    if (!text.isWellFormed()) throw this.#wrong('a text holds half of a surrogate pair');
    return text;
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    const plain = ESCAPES[letter];
    if (plain !== undefined) {
      this.#at += 2;
      return plain;
    }
    const hex = this.#text.slice(this.#at + 2, this.#at + 6);
    if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#wrong('a text holds an escape that is none');
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #wrong(what: string): Error {
    return bodyAmbiguous(`The body is not read: ${what}, at character ${this.#at}.`);
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** Everything but quotes, backslashes and control characters. */
const PLAIN = /[ !#-[\]-\uffff]*/y;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function shown(key: string): string {
  return JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key);
}
