import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import type { ConfigNode, MapNode, MapPair, ScalarNode } from './tree.ts';
import { describeYamlFault } from './yaml-fault.ts';

/** Notes what is wrong at an offset of the text, and what would be right. */
export type ReportAt = (offset: number, wrong: string, right: string) => void;

/** Tags of the YAML 1.2 core schema; any other would run code of the parser's that no price table needs. */
const CORE_TAGS = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

/** Reads any YAML 1.2; `undefined` (reported) for what makes no sense to decode. */
export function parseYaml(text: string, report: ReportAt): MapNode | undefined {
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      resolveKnownTags: false,
      merge: false,
      strict: true,
      uniqueKeys: true,
      stringKeys: true,
      prettyErrors: false,
      logLevel: 'error',
    });
    const { contents } = document;
    const root = isNode(contents) ? new TreeReader(report).read(contents) : undefined;
    return isUsable(document, text, report) && root?.kind === 'map' ? root : undefined;
  } catch {
    // Nesting without end exhausts the parser's stack.
    report(0, 'the file cannot be read as YAML', 'a YAML file without extreme nesting');
    return undefined;
  }
}

/** Turns the parser's nodes into ours, in the order of the text: an alias means the last anchor of its name before it. */
class TreeReader {
  readonly #report: ReportAt;
  readonly #anchors = new Map<string, ConfigNode>();

  constructor(report: ReportAt) {
    this.#report = report;
  }

  read(node: Node): ConfigNode {
    const offset = node.range?.[0] ?? 0;
    if (isAlias(node)) return { kind: 'alias', offset, name: node.source, target: this.#anchors.get(node.source) };
    if (isMap(node)) {
      const pairs: MapPair[] = [];
      const map = this.#known(node, { kind: 'map', offset, pairs });
      for (const { key, value } of node.items) pairs.push(this.#pair(key, value, offset));
      return map;
    }
    if (isSeq(node)) {
      const items: (ConfigNode | undefined)[] = [];
      const list = this.#known(node, { kind: 'list', offset, items });
      for (const item of node.items) items.push(isNode(item) ? this.read(item) : undefined);
      return list;
    }
    return this.#known(node, { kind: 'scalar', offset, ...scalarOf(node) });
  }

  #pair(key: unknown, value: unknown, fallback: number): MapPair {
    const named = isNode(key) ? this.read(key) : undefined;
    const name = named?.kind === 'scalar' ? String(named.value) : '';
    return { name, offset: named?.offset ?? fallback, value: isNode(value) ? this.read(value) : undefined };
  }

  #known<N extends ConfigNode>({ anchor, tag }: { anchor?: string; tag?: string }, made: N): N {
    // Before what is in it is read: an alias may stand within its own anchor.
    if (anchor !== undefined) this.#anchors.set(anchor, made);
    if (tag !== undefined && !CORE_TAGS.test(tag))
      this.#report(made.offset, `the tag ${tag} is not allowed`, 'a plain value without a tag');
    return made;
  }
}

function scalarOf(node: Node): Pick<ScalarNode, 'value' | 'written'> {
  const value: unknown = isScalar(node) ? node.value : null;
  if (typeof value === 'string') return { value };
  const written = isScalar(node) ? node.source : undefined;
  return { value: typeof value === 'number' || typeof value === 'boolean' ? value : null, written };
}

/** Reports what the parser found; `false` when the tree cannot be trusted to be what its author meant. */
function isUsable(document: Document.Parsed, text: string, report: ReportAt): boolean {
  let usable = true;
  for (const error of document.errors) {
    // What follows a break is read from the wrong place: one stray brace would be dozens of problems.
    if (!usable) break;
    const { wrong, right } = describeYamlFault(error, text);
    report(error.pos[0], wrong, right);
    if (error.code !== 'DUPLICATE_KEY') usable = false;
  }
  const { yaml } = document.directives;
  if (yaml.explicit === true && yaml.version !== '1.2') {
    // YAML 1.1 reads other values out of the same text: `off` is false there.
    report(0, `the file asks for YAML ${yaml.version}`, 'YAML 1.2');
    usable = false;
  }
  if (usable && !isMap(document.contents)) {
    const wrong = document.contents === null ? 'the file is empty' : 'the file is not a map';
    report(document.contents?.range[0] ?? 0, wrong, 'keys such as listen, upstream and routes');
    usable = false;
  }
  return usable;
}
