import { dirname, isAbsolute, join } from 'node:path';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { type Expansion, expand, type Outside } from './expand.ts';
import type { Problem } from './problem.ts';

/** A value in the file: its node, where it stands and what the configuration calls it. */
export interface Place {
  /** `undefined` for what is not there. */
  readonly node: Node | undefined;
  /** Characters from the start of the file. */
  readonly offset: number;
  /** `routes[2].price`; `''` is the root. */
  readonly path: string;
}

/** Reports a value that is wrong, and shows it only where it stands in the file itself: from outside it may be a secret. */
export function reportValue(
  place: Place,
  { wrong, right }: { readonly wrong: string; readonly right: string },
  source: Source,
): void {
  const node = source.resolve(place)?.node;
  const isFromOutside = isScalar(node) && typeof node.value === 'string' && node.value.includes('${');
  source.report(place, isFromOutside ? `the value of ${node.value} is not right` : wrong, right);
}

/** Tags of the YAML 1.2 core schema; any other would run code of the parser's that no price table needs. */
const CORE_TAGS = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;
/** Text that no configuration of ours comes near; the parser keeps every node of it in memory. */
const MAX_CHARS = 8 * 1024 * 1024;
/** How many aliases may be followed. One `accepts: *usdc` per route is fine, aliases of aliases of aliases are not. */
const MAX_ALIASES = 20_000;

/**
 * A configuration file while it is read: its nodes with their positions, and the problems found so far. Decoding goes
 * on after a problem, so that one run finds them all.
 */
export class Source {
  readonly file: string;
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #said = new Set<string>();
  readonly #lines = new LineCounter();
  readonly #outside: Outside;
  readonly #document: Document.Parsed | undefined;
  /** What each alias stands for: the parser's own search walks the whole document for each of them. */
  readonly #targets = new Map<Alias, Node>();
  #aliases = 0;

  constructor(file: string, text: string, outside: Outside) {
    this.file = file;
    this.#outside = outside;
    this.#document = this.#parse(text);
  }

  /** The root of the document; `undefined` when there is no document that makes sense to decode. */
  get root(): Place | undefined {
    const node = this.#document?.contents;
    return isNode(node) ? { node, offset: node.range[0], path: '' } : undefined;
  }

  /** Notes that what is at `place` is wrong, and what would be right (a noun phrase). */
  report(place: Place, wrong: string, right: string): void {
    // What is said of one place is said once, however many routes come to it.
    const words = `${place.offset} ${place.path} ${wrong}`;
    if (this.#said.has(words)) return;
    this.#said.add(words);
    this.problems.push(this.#at(place, wrong, right));
  }

  /** Notes what is allowed but probably not meant. */
  warn(place: Place, wrong: string, right: string): void {
    this.warnings.push(this.#at(place, wrong, right));
  }

  /** Reads a text file that the configuration names, relative to it; throws when it cannot. */
  readBeside(path: string): string {
    return this.#outside.readFile(isAbsolute(path) ? path : join(dirname(this.file), path));
  }

  /** The node at `place`; an alias is followed to what it stands for, and `undefined` (reported) when it cannot be. */
  resolve(place: Place): Place | undefined {
    if (!isAlias(place.node)) return place;
    this.#aliases += 1;
    if (this.#aliases > MAX_ALIASES) {
      if (this.#aliases === MAX_ALIASES + 1) this.report(place, 'the file uses too many aliases', 'fewer aliases');
      return undefined;
    }
    const target = this.#targets.get(place.node);
    if (target !== undefined) return { node: target, offset: target.range?.[0] ?? place.offset, path: place.path };
    this.report(place, `the alias *${place.node.source} has no anchor before it`, `an anchor &${place.node.source}`);
    return undefined;
  }

  /** Fills in `${…}` in a scalar of the file. */
  expand(text: string): Expansion {
    return expand(text, this.#outside);
  }

  /** Where `place` is, for what is found out about it only after the file was read. */
  whereabouts(place: Place): Omit<Problem, 'wrong' | 'right'> {
    const { line, col } = this.#lines.linePos(place.offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col), keyPath: place.path };
  }

  #at(place: Place, wrong: string, right: string): Problem {
    return { ...this.whereabouts(place), wrong, right };
  }

  #reportAt(offset: number, wrong: string, right: string): void {
    this.report({ node: undefined, offset, path: '' }, wrong, right);
  }

  #parse(text: string): Document.Parsed | undefined {
    if (text.length > MAX_CHARS) {
      this.#reportAt(0, 'the file is too large', 'a file of at most 8 MiB');
      return undefined;
    }
    let document: Document.Parsed;
    try {
      document = parseDocument(text, {
        version: '1.2',
        schema: 'core',
        resolveKnownTags: false,
        merge: false,
        strict: true,
        uniqueKeys: true,
        stringKeys: true,
        prettyErrors: false,
        logLevel: 'error',
        lineCounter: this.#lines,
      });
      this.#readNodes(document);
    } catch {
      // Nesting without end exhausts the parser's stack.
      this.#reportAt(0, 'the file cannot be read as YAML', 'a YAML file without extreme nesting');
      return undefined;
    }
    return this.#checkSyntax(document) ? document : undefined;
  }

  /** Reports what the parser found; `false` when the tree cannot be trusted to be what its author meant. */
  #checkSyntax(document: Document.Parsed): boolean {
    let usable = true;
    for (const error of document.errors) {
      // What follows a break is read from the wrong place: one stray brace would be dozens of problems.
      if (!usable) break;
      this.#reportAt(error.pos[0], firstLine(error.message), syntaxRight(error));
      if (error.code !== 'DUPLICATE_KEY') usable = false;
    }
    const yaml = document.directives.yaml;
    if (yaml.explicit === true && yaml.version !== '1.2') {
      // YAML 1.1 reads other values out of the same text: `off` is false there.
      this.#reportAt(0, `the file asks for YAML ${yaml.version}`, 'YAML 1.2');
      usable = false;
    }
    if (usable && !isMap(document.contents)) {
      const offset = document.contents?.range[0] ?? 0;
      this.#reportAt(
        offset,
        document.contents === null ? 'the file is empty' : 'the file is not a map',
        'keys such as listen, upstream and routes',
      );
      usable = false;
    }
    return usable;
  }

  /** Walks the document once, in its order: an alias means the last anchor of its name before it. */
  #readNodes(document: Document.Parsed): void {
    const anchors = new Map<string, Node>();
    visit(document, {
      Alias: (_, alias) => {
        const target = anchors.get(alias.source);
        if (target !== undefined) this.#targets.set(alias, target);
      },
      Value: (_, node) => {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        if (node.tag === undefined || CORE_TAGS.test(node.tag)) return;
        this.#reportAt(node.range?.[0] ?? 0, `the tag ${node.tag} is not allowed`, 'a plain value without a tag');
      },
    });
  }
}

/** What would be right, by the code and the beginning of the parser's message; the first that fits. */
const SYNTAX_RIGHT: readonly (readonly [fault: RegExp, right: string])[] = [
  [/^DUPLICATE_KEY/, 'each key once'],
  [/^BAD_ALIAS: Alias cannot be an empty/, 'the text in quotes: a * in front makes an alias of it'],
  [/^BAD_ALIAS/, 'an alias of an anchor that comes before it'],
  [/^MULTIPLE_DOCS/, 'one document in the file'],
  [/^TAB_AS_INDENT/, 'spaces'],
  [/^BAD_INDENT: Flow /, 'the bracket that closes it, and every line of it further in than its key'],
  [/^BAD_INDENT/, 'the same indentation for the keys of one map'],
  [/^NON_STRING_KEY/, 'keys that are plain words'],
  [/^MISSING_CHAR: Sequence item/, 'the same indentation for the keys of one list item'],
  [/^MISSING_CHAR: Implicit map keys/, 'a colon and a space after the key, as in `key: value`'],
  [/^MISSING_CHAR: Missing closing/, 'a quote at the end of the text'],
  [
    /^BLOCK_AS_IMPLICIT_KEY: Nested/,
    'a text that holds or ends with a colon in quotes, and each key in the column of its map',
  ],
  [/^BLOCK_AS_IMPLICIT_KEY/, 'the items of one list in one column, below a key without a value'],
  [/^BAD_SCALAR_START/, 'the text in quotes'],
  [/^BAD_DQ_ESCAPE/, 'the text in single quotes, or each backslash twice'],
  [/^UNEXPECTED_TOKEN: .* at node end/, 'one value; inside { … }, a text with braces of its own in quotes'],
];

function syntaxRight({ code, message }: YAMLError): string {
  return SYNTAX_RIGHT.find(([fault]) => fault.test(`${code}: ${message}`))?.[1] ?? 'YAML 1.2';
}

function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] ?? message;
  return `the YAML is broken: ${line.replace(/[.:]$/, '')}`;
}
