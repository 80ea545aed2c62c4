import { looseForm } from '../domain/fold-key.ts';
import { fitsPattern, type Subject, type ValueTest } from '../domain/when.ts';
import type { Fact } from './fact.ts';

/** What lenient readers make of a text. */
interface Reading {
  readonly loose: string;
  /** The number that it is to some, booleans being 1 and 0. */
  readonly value: number | undefined;
}

/** The readings of the patterns of a test. */
const READINGS = new WeakMap<ValueTest, readonly Reading[]>();
/** The text of a request that was read last: it is compared with one test after another, and can be as long as a body. */
let last: { readonly text: string; readonly reading: Reading } | undefined;

/**
 * Whether a value that fails a test would pass it at a lenient API: one that ignores case, blanks around the text and
 * letters without width (names of methods at Nethermind and in PHP, of models at Ollama, of enums in .NET), or that takes
 * another value for `true` or a number (pydantic), and `true` for 1 (PHP).
 */
export function nearlyPasses(test: ValueTest, fact: Fact, subject: Subject): boolean {
  if (test.kind !== 'texts') return false;
  switch (subject.kind) {
    case 'method':
    case 'agent':
    case 'graphql':
      return false;
    case 'json':
      if (fact.kind === 'word') return isRespelled(test, fact.text);
      if (fact.kind === 'number') return isConverted(test, fact.text);
      return fact.kind === 'text' && (isConverted(test, fact.text) || fitsLoosely(test, fact.text, isFrontKnown));
    case 'jsonrpc':
      return fact.kind === 'text' && fitsLoosely(test, fact.text, () => true);
    case 'header':
    case 'query':
      // A pattern such as `*bot*` says how it is meant.
      return fact.kind === 'text' && (isRespelled(test, fact.text) || fitsLoosely(test, fact.text, isWhole));
  }
}

type TextTest = ValueTest & { readonly kind: 'texts' };

function fitsLoosely(test: TextTest, text: string, isMeant: (pattern: string) => boolean): boolean {
  const { loose } = readingOf(text);
  return readingsOf(test).some((pattern) => isMeant(pattern.loose) && fitsPattern(pattern.loose, loose));
}

function readingsOf(test: TextTest): readonly Reading[] {
  const known = READINGS.get(test);
  if (known !== undefined) return known;
  const made = test.patterns.map(read);
  READINGS.set(test, made);
  return made;
}

function readingOf(text: string): Reading {
  if (last?.text !== text) last = { text, reading: read(text) };
  return last.reading;
}

function read(text: string): Reading {
  return { loose: looseForm(text), value: valueIn(text) };
}

function isWhole(pattern: string): boolean {
  return !pattern.includes('*');
}

/** Behind a `*`, words of a text are looked for, not a name. */
function isFrontKnown(pattern: string): boolean {
  return !pattern.startsWith('*');
}

/** Whether some readers convert a text or a number to one of the values. What is no boolean is true to many. */
function isConverted(test: TextTest, text: string): boolean {
  return isOfBooleans(test) || isRespelled(test, text);
}

/** Whether a text is another spelling of one of the values: `on` of `true`, `04` of `4`. */
function isRespelled(test: TextTest, text: string): boolean {
  const { value } = readingOf(text);
  return value !== undefined && readingsOf(test).some((pattern) => pattern.value === value);
}

/** Whether other values than texts in another spelling can pass a test nearly. */
export function isConvertible(test: ValueTest): boolean {
  return test.kind === 'texts' && (isOfBooleans(test) || test.patterns.some((each) => valueIn(each) !== undefined));
}

function isOfBooleans({ patterns }: TextTest): boolean {
  return patterns.every((pattern) => pattern === 'true' || pattern === 'false');
}

const TRUE = /^\s*(?:true|on|yes|t|y)\s*$/i;
const FALSE = /^\s*(?:false|off|no|f|n)\s*$/i;

function valueIn(text: string): number | undefined {
  if (TRUE.test(text)) return 1;
  if (FALSE.test(text)) return 0;
  const isNumber = /\d/.test(text) && Number.isFinite(Number(text));
  return isNumber ? Number(text) : undefined;
}
