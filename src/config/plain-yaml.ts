import { readInline } from './plain-yaml-value.ts';
import type { ConfigNode, MapNode, MapPair } from './tree.ts';

/*
 * YAML as price tables are mostly written: maps and lists by indentation, texts and flow collections of one line, comments.
 * Of that it makes the tree that the parser of all YAML makes, in a twentieth of its time and memory: a price table of ten
 * thousand routes would take that parser seconds. Whatever it does not know, and whatever is wrong, is left to that parser.
 */

/** Breaks and spaces of other kinds, and what cannot be seen. */
const UNKNOWN = /[^\n -~\u00a1-\u2027\u202a-\ufefe\uff00-\uffff]/;
/** A key without quotes, its colon, and the spaces before what stands in the same line. */
const KEY = /([A-Za-z_$/][\w.$/-]{0,99}):(?: +|(?=\n)|$)/y;
const MOST_LEVELS = 32;
const [NEWLINE, SPACE, HASH, DASH] = [10, 32, 35, 45];

/** Reads a text of that kind; `undefined` for every other one. */
export function readPlainYaml(text: string): MapNode | undefined {
  return UNKNOWN.test(text) ? undefined : new PlainYaml(text).read();
}

/** A text while it is read. Every method ends at the first line that it did not take. */
class PlainYaml {
  readonly #text: string;
  /** Where the line begins to say something. */
  #at = 0;
  /** Spaces before that; -1 behind the last line. */
  #indent = 0;
  #levels = 0;

  constructor(text: string) {
    this.#text = text;
    this.#seek(0);
  }

  read(): MapNode | undefined {
    const root = this.#indent === 0 ? this.#map(0) : undefined;
    return this.#indent === -1 ? root : undefined;
  }

  /** A map whose keys stand in the column `indent`, and whose first key is next. */
  #map(indent: number): MapNode | undefined {
    const offset = this.#at;
    const pairs: MapPair[] = [];
    const names = new Set<string>();
    do {
      const pair = this.#pair(indent);
      if (pair === undefined || names.has(pair.name)) return undefined;
      names.add(pair.name);
      pairs.push(pair);
    } while (this.#indent === indent);
    return this.#indent > indent ? undefined : { kind: 'map', offset, pairs: [...pairs] };
  }

  #pair(indent: number): MapPair | undefined {
    const offset = this.#at;
    KEY.lastIndex = offset;
    const [, name] = KEY.exec(this.#text) ?? [];
    if (name === undefined) return undefined;
    const value = this.#value(KEY.lastIndex, indent, { sameColumn: true });
    return value && { name, offset, value };
  }

  /** A list whose dashes stand in the column `indent`, and whose first dash is next. */
  #list(indent: number): ConfigNode | undefined {
    const offset = this.#at;
    const items: ConfigNode[] = [];
    while (this.#indent === indent && this.#isItem()) {
      const item = this.#item(indent);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return this.#indent > indent ? undefined : { kind: 'list', offset, items: [...items] };
  }

  #item(indent: number): ConfigNode | undefined {
    let at = this.#at + 1;
    while (this.#text.charCodeAt(at) === SPACE) at += 1;
    KEY.lastIndex = at;
    if (!KEY.test(this.#text)) return this.#value(at, indent, { sameColumn: false });
    const column = indent + at - this.#at;
    this.#at = at;
    this.#indent = column;
    return this.#nested(() => this.#map(column));
  }

  /** What a key or dash in the column `indent` stands for: at `at` in its line, or below it. */
  #value(at: number, indent: number, { sameColumn }: { readonly sameColumn: boolean }): ConfigNode | undefined {
    const first = this.#text.charCodeAt(at);
    if (first === NEWLINE || first === HASH || at >= this.#text.length) {
      this.#seek(this.#text.indexOf('\n', at));
      return this.#block(indent, sameColumn);
    }
    const inline = readInline(this.#text, at);
    if (inline === undefined || !this.#endLine(inline.end)) return undefined;
    // A deeper line would go on with the text.
    return this.#indent > indent ? undefined : inline.node;
  }

  /** A collection below the column `indent`; the list of a key may stand in the key's own column. */
  #block(indent: number, sameColumn: boolean): ConfigNode | undefined {
    const column = this.#indent;
    const isList = this.#isItem();
    if (column < indent || (column === indent && !(sameColumn && isList))) return undefined;
    return this.#nested(() => (isList ? this.#list(column) : this.#map(column)));
  }

  #nested(read: () => ConfigNode | undefined): ConfigNode | undefined {
    if (this.#levels === MOST_LEVELS) return undefined;
    this.#levels += 1;
    const node = read();
    this.#levels -= 1;
    return node;
  }

  #isItem(): boolean {
    const next = this.#text.charCodeAt(this.#at + 1);
    return this.#text.charCodeAt(this.#at) === DASH && (next === SPACE || next === NEWLINE);
  }

  /** Continues after a line on which only a comment may be left. */
  #endLine(end: number): boolean {
    let at = end;
    while (this.#text.charCodeAt(at) === SPACE) at += 1;
    const next = this.#text.charCodeAt(at);
    if (at < this.#text.length && next !== NEWLINE && !(next === HASH && at > end)) return false;
    this.#seek(this.#text.indexOf('\n', at));
    return true;
  }

  /** Goes to the next line that is neither blank nor a comment. @param from where a line begins or ends; -1 is the end */
  #seek(from: number): void {
    const text = this.#text;
    let start = from;
    while (start !== -1 && start < text.length) {
      let at = start;
      while (text.charCodeAt(at) === SPACE) at += 1;
      const first = text.charCodeAt(at);
      if (first === HASH) start = text.indexOf('\n', at);
      else if (first === NEWLINE) start = at + 1;
      else if (at === text.length) start = at;
      else {
        this.#at = at;
        this.#indent = at - start;
        return;
      }
    }
    this.#at = text.length;
    this.#indent = -1;
  }
}
