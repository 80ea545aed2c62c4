import { dirname, isAbsolute, join } from 'node:path';
import { type Expansion, expand, type Outside } from './expand.ts';
import { LineStarts } from './line-starts.ts';
import { ownText } from './own-text.ts';
import { readPlainYaml } from './plain-yaml.ts';
import type { Problem } from './problem.ts';
import type { ConfigNode, MapNode } from './tree.ts';
import { parseYaml } from './yaml-tree.ts';

/** A value in the file: its node, where it stands and what the configuration calls it. */
export interface Place {
  /** `undefined` for what is not there. */
  readonly node: ConfigNode | undefined;
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
  const isFromOutside = node?.kind === 'scalar' && typeof node.value === 'string' && node.value.includes('${');
  source.report(place, isFromOutside ? `the value of ${node.value} is not right` : wrong, right);
}

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
  readonly #lines: LineStarts;
  readonly #outside: Outside;
  readonly #root: MapNode | undefined;
  #aliases = 0;

  constructor(file: string, text: string, outside: Outside) {
    this.file = file;
    this.#outside = outside;
    this.#lines = new LineStarts(text);
    this.#root = this.#parse(text);
  }

  /** The root of the document; `undefined` when there is no document that makes sense to decode. */
  get root(): Place | undefined {
    const node = this.#root;
    return node && { node, offset: node.offset, path: '' };
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
    const { node } = place;
    if (node?.kind !== 'alias') return place;
    this.#aliases += 1;
    if (this.#aliases > MAX_ALIASES) {
      if (this.#aliases === MAX_ALIASES + 1) this.report(place, 'the file uses too many aliases', 'fewer aliases');
      return undefined;
    }
    const { target, name } = node;
    if (target !== undefined) return { node: target, offset: target.offset, path: place.path };
    this.report(place, `the alias *${name} has no anchor before it`, `an anchor &${name}, or the text in quotes`);
    return undefined;
  }

  /** Fills in `${…}` in a scalar of the file. The text keeps nothing else of the file in memory. */
  expand(text: string): Expansion {
    return expand(ownText(text), this.#outside);
  }

  /** Where `place` is, for what is found out about it only after the file was read. */
  whereabouts(place: Place): Omit<Problem, 'wrong' | 'right'> {
    return { file: this.file, ...this.#lines.positionOf(place.offset), keyPath: place.path };
  }

  #at(place: Place, wrong: string, right: string): Problem {
    return { ...this.whereabouts(place), wrong, right };
  }

  #parse(text: string): MapNode | undefined {
    const report = (offset: number, wrong: string, right: string): void =>
      this.report({ node: undefined, offset, path: '' }, wrong, right);
    if (text.length <= MAX_CHARS) return readPlainYaml(text) ?? parseYaml(text, report);
    report(0, 'the file is too large', 'a file of at most 8 MiB');
    return undefined;
  }
}
