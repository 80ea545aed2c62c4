import type { YAMLError } from 'yaml';
import { otherBlankIn } from './other-blank.ts';

/** What is wrong with the YAML, and what would be right. */
export interface YamlFault {
  readonly wrong: string;
  readonly right: string;
}

/** A fault that the parser reports, by its code and the beginning of its message; `$` stands for the key at its place. */
type Words = readonly [fault: RegExp, wrong: string, right: string];

const WORDS: readonly Words[] = [
  [/^DUPLICATE_KEY/, 'the key $ is there twice', 'each key once'],
  [
    /^BAD_ALIAS: Alias cannot be an empty/,
    'a * begins the text',
    'the text in quotes: a * in front makes an alias of it',
  ],
  [
    /^BAD_ALIAS: Anchor cannot be an empty/,
    'a & begins the text',
    'the text in quotes: a & in front makes an anchor of it',
  ],
  [/^BAD_ALIAS/, 'this alias cannot be read', 'an alias of an anchor that comes before it'],
  [/^MULTIPLE_DOCS/, 'the file holds more than one document', 'one document in the file, without a second line of ---'],
  [/^TAB_AS_INDENT/, 'a tab stands where a line is indented', 'spaces'],
  [
    /^BAD_INDENT: Flow (?:map|sequence)/,
    'a { or [ is not closed here, or what it holds is not indented',
    'the bracket that closes it, and every line of it further in than its key',
  ],
  [
    /^BAD_INDENT/,
    'the key $ is in another column than the keys around it',
    'the same indentation for the keys of one map',
  ],
  [
    /^NON_STRING_KEY/,
    'a list or a map stands where a key should be',
    'keys that are plain words, and in quotes a text that begins with { or [',
  ],
  [
    /^MISSING_CHAR: Sequence item/,
    'the key $ is in another column than the keys around it',
    'the same indentation for the keys of one list item',
  ],
  [
    /^(?:MISSING_CHAR|MULTILINE_IMPLICIT_KEY): Implicit (?:map )?keys? need/,
    'this is no key with a value',
    'a colon and a space after the key, as in `key: value`; quotes around a text of several lines',
  ],
  [/^MISSING_CHAR: Missing closing/, 'a text in quotes does not end', 'a quote at the end of the text'],
  [/^MISSING_CHAR: Missing , /, 'a comma is missing here', 'a comma between two values'],
  [/^MISSING_CHAR: Comments must/, 'a # follows without a space', 'a space before the #, or the text in quotes'],
  [/^MISSING_CHAR: Missing directives-end/, 'a line begins with %', 'a key, or --- below the line'],
  [
    /^BLOCK_AS_IMPLICIT_KEY: Nested/,
    'a key stands where a text still goes on',
    'a text that holds or ends with a colon in quotes, and each key in the column of its map',
  ],
  [
    /^BLOCK_AS_IMPLICIT_KEY/,
    'a list begins where none can',
    'the items of one list in one column, below a key without a value',
  ],
  [
    /^BLOCK_IN_FLOW/,
    'lines with - or keys stand inside of brackets',
    'either brackets and commas, or lines that are indented',
  ],
  [/^BAD_SCALAR_START/, 'no text may begin with this character', 'the text in quotes'],
  [/^BAD_DQ_ESCAPE/, 'an escape in double quotes is not known', 'the text in single quotes, or each backslash twice'],
  [/^UNEXPECTED_TOKEN: Block scalar header/, 'a text follows a | or >', 'the text in the lines below, or in quotes'],
  [
    /^UNEXPECTED_TOKEN: .* at node end/,
    'something follows the end of the value',
    'one value; inside { … }, a text with braces of its own in quotes',
  ],
  [/^UNEXPECTED_TOKEN: Unexpected flow-(?:seq|map)-end/, 'a bracket closes what none has opened', 'the text in quotes'],
  [
    /^UNEXPECTED_TOKEN: Unexpected (?:double|single)-quoted-scalar/,
    'a text in quotes follows a value',
    'a comma between two values',
  ],
];

/** Puts a fault of the parser into words; the parser's own where none are known. */
export function describeYamlFault({ code, message, pos: [offset] }: YAMLError, text: string): YamlFault {
  const blank = otherBlankIn(lineAt(text, offset));
  const known = WORDS.find(([fault]) => fault.test(`${code}: ${message}`));
  if (blank !== undefined && code !== 'DUPLICATE_KEY') return { wrong: `the line ${blank}`, right: 'spaces' };
  if (known === undefined) return { wrong: `the YAML is broken: ${firstLine(message)}`, right: 'YAML 1.2' };
  const [, wrong, right] = known;
  if (code === 'DUPLICATE_KEY') return { wrong: wrong.replace('$', () => keyAt(text, offset)), right };
  return { wrong: `the YAML is broken: ${wrong.replace('$', () => keyAt(text, offset))}`, right };
}

/** The key at an offset, in quotes. Never a value: it may be a secret. */
function keyAt(text: string, offset: number): string {
  const rest = lineAt(text, offset).slice(columnAt(text, offset));
  const [, double, single, plain] = /^[\s{,-]*(?:"([^"]*)"|'([^']*)'|([^\s"'][^:]*?))\s*:/.exec(rest) ?? [];
  return JSON.stringify(double ?? single ?? plain ?? '');
}

function columnAt(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

function lineAt(text: string, offset: number): string {
  const end = text.indexOf('\n', offset);
  return text.slice(offset - columnAt(text, offset), end === -1 ? undefined : end);
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? message).replace(/[.:]$/, '');
}
