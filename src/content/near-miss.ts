import { looseForm } from '../domain/fold-key.ts';
import type { GatewayError } from '../domain/gateway-error.ts';
import { fitsPattern, type Subject, type ValueTest, type When, whenText } from '../domain/when.ts';
import { ambiguity, type Fact } from './fact.ts';

/** What lenient readers make of a text. */
interface Reading {
  readonly loose: string;
  /** The number that it is to some, booleans being 1 and 0. */
  readonly value: number | undefined;
}

/** The readings of the patterns of a test, made when they are first needed. */
const READINGS = new WeakMap<ValueTest, readonly Reading[]>();
/** The text of a request that was read last: it is compared with one test after another, and can be as long as a body. */
let last: { readonly text: string; readonly reading: Reading } | undefined;

/**
 * Whether a value that fails a test would pass it at a lenient API: one that ignores case, blanks around the text and
 * letters without width (names of methods in Nethermind and PHP, of models in Ollama, of enums in .NET), or one that
 * takes another value for `true` or for a number (pydantic), and `true` for 1 (PHP).
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
      // A pattern with `*` says itself which spellings are meant.
      return fact.kind === 'text' && (isRespelled(test, fact.text) || fitsLoosely(test, fact.text, isWhole));
  }
}

/** The fault of a request that a lenient API would take for one of a dearer price. */
export function mistakable(when: When): GatewayError {
  const detail = `Some APIs take this request for one where ${whenText(when)}: write the value exactly so, or send another one.`;
  return ambiguity(
    when.map(({ subject }) => subject),
    detail,
  );
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

/** A pattern that begins with `*` looks for words in a text, not for a name. */
function isFrontKnown(pattern: string): boolean {
  return !pattern.startsWith('*');
}

/** Whether some readers convert a text or a number to one of the values. To many, all that is no boolean is true. */
function isConverted(test: TextTest, text: string): boolean {
  return isOfBooleans(test) || isRespelled(test, text);
}

/** Whether a text is another spelling of one of the values: `on` of `true`, `04` of `4`. */
function isRespelled(test: TextTest, text: string): boolean {
  const { value } = readingOf(text);
  return value !== undefined && readingsOf(test).some((pattern) => pattern.value === value);
}

/** Whether values can pass a test nearly that are no other spelling of its texts, such as `1` for `true`. */
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
