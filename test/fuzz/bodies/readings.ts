import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/*
 * How readers of JSON take a body. More lenient than any API should be: with a mark, in the charset that the header names,
 * with bytes behind it, with control characters, and of a key that is there twice, in whatever case, the first and the last.
 */

/** All readings of a body. */
export interface Readings {
  /** What V8 reads: it is strict, and takes the last of two equal keys. `undefined` where it refuses. */
  readonly strict: { readonly value: unknown } | undefined;
  readonly all: readonly unknown[];
}

/** Objects as lists of their members: `{"o": [[key, value], …]}`, and lists as `{"a": […]}`. */
const PYTHON = `
import json, sys
def pairs(found): return {"o": found}
def finite(digits): return min(max(float(digits), -1e308), 1e308)
def nothing(word): return None
def lists(value):
    if isinstance(value, list): return {"a": [lists(each) for each in value]}
    if isinstance(value, dict): return {"o": [[key, lists(each)] for key, each in value["o"]]}
    return value
decoder = json.JSONDecoder(strict=False, object_pairs_hook=pairs, parse_constant=nothing, parse_float=finite)
for line in sys.stdin:
    try:
        data = bytes.fromhex(line)
        text = data.decode(json.detect_encoding(data), "surrogatepass").lstrip(" \\t\\r\\n\\f\\v\\xa0\\ufeff")
        print(json.dumps({"v": lists(decoder.raw_decode(text)[0])}, allow_nan=False), flush=True)
    except (ValueError, RecursionError):
        print("{}", flush=True)
`;

/** Reads bodies as V8 and, where there is one, Python do. */
export class Readers {
  readonly #python: ChildProcessByStdio<Writable, Readable, null> | undefined;
  readonly #lines: Interface | undefined;
  readonly #waiting: ((line: string) => void)[] = [];

  private constructor(python: ChildProcessByStdio<Writable, Readable, null> | undefined) {
    this.#python = python;
    this.#lines = python && createInterface({ input: python.stdout });
    this.#lines?.on('line', (line) => this.#waiting.shift()?.(line));
  }

  static async open(): Promise<Readers> {
    const python = spawn('python3', ['-u', '-c', PYTHON], { stdio: ['pipe', 'pipe', 'inherit'] });
    const isThere = await Promise.race([
      once(python, 'spawn').then(() => true),
      once(python, 'error').then(() => false),
    ]);
    return new Readers(isThere ? python : undefined);
  }

  get names(): readonly string[] {
    return this.#python === undefined ? ['V8'] : ['V8', 'Python'];
  }

  async read(bytes: Buffer, contentType: string): Promise<Readings> {
    const strict = readBy('utf-8', bytes, true);
    const charset = /charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
    const charsets = ['utf-8', ...(charset === undefined ? [] : [charset])];
    const lenient = charsets.flatMap((label) => readBy(label, bytes, false) ?? []);
    const pairs = await this.#pairsOf(bytes);
    const all = [...lenient.map(({ value }) => value), ...(pairs === undefined ? [] : variantsOf(pairs))];
    return { strict, all };
  }

  close(): void {
    this.#lines?.close();
    this.#python?.kill();
  }

  async #pairsOf(bytes: Buffer): Promise<unknown> {
    const python = this.#python;
    if (python === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.push(resolve);
    python.stdin.write(`${bytes.toString('hex')}\n`);
    const told: { readonly v?: unknown } = JSON.parse(await promise);
    return told.v;
  }
}

function readBy(label: string, bytes: Buffer, strict: boolean): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder(label, { fatal: strict, ignoreBOM: strict }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

type Choose = (members: readonly (readonly [string, unknown])[]) => readonly (readonly [string, unknown])[];

/** The readings of readers that take the first or the last of equal keys. */
function variantsOf(pairs: unknown): readonly unknown[] {
  const last: Choose = (members) => members;
  const first: Choose = (members) => [...members].reverse();
  const folded =
    (choose: Choose): Choose =>
    (members) =>
      choose(members).map(([key, value]) => [fold(key), value] as const);
  return [last, first, folded(last), folded(first)].map((choose) => built(pairs, choose));
}

/** As readers do that ignore case, or end a key at NUL. Names of the price table are in lower case but for one. */
function fold(key: string): string {
  const plain = (key.split('\0')[0] ?? '').normalize('NFC').toUpperCase().toLowerCase();
  return plain === 'operationname' ? 'operationName' : plain;
}

function built(node: unknown, choose: Choose): unknown {
  if (!(node instanceof Object)) return node;
  if ('a' in node && Array.isArray(node.a)) return node.a.map((each: unknown) => built(each, choose));
  if (!('o' in node) || !Array.isArray(node.o)) return node;
  const members = node.o.map(([key, value]: [string, unknown]) => [key, built(value, choose)] as const);
  return Object.fromEntries(choose(members));
}
