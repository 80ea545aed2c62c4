import type { Parsed } from '../domain/price.ts';
import type { JsonObject } from '../domain/x402.ts';
import { type Decoder, wrongKind } from './decoder.ts';
import { otherBlankIn } from './other-blank.ts';
import type { Place, Source } from './source.ts';
import { readSwitch } from './switch-word.ts';

/** How a text of the file becomes a value. */
export interface TextOptions<T> {
  readonly expects: string;
  /** Reads the text, after `${…}` was filled in. */
  readonly parse: (text: string) => Parsed<T>;
  /** Regular expression (ECMA-262, unanchored source) for editors; the parser decides. */
  readonly pattern?: string;
  /** More JSON Schema next to the pattern, such as `maxLength`. */
  readonly schema?: JsonObject;
  /** Allows line breaks, for certificates and keys. */
  readonly multiline?: true;
  /** Never shows the text in a message. `'parser'`: the parser's messages never hold it either, and are shown. */
  readonly secret?: true | 'parser';
  /** Hands numbers, booleans and nothing to the parser as they are written: it has the better message. */
  readonly bare?: true;
}

/** An expansion somewhere in the text: what it stands for is only known where the gateway runs. */
const EXPANSION_PATTERN = '\\$\\{';
/** C0, DEL and C1: a value with a line break could forge a header or a log line. */
const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_BREAKS = /[^\P{Cc}\r\n\t]/u;
/** Shells take quotes off a value; Docker, with `--env-file`, and Kubernetes do not. */
const IN_QUOTES = /^(["']).+\1$/s;

/** A scalar text that means something: an address, a duration, a price. */
export function text<T>(options: TextOptions<T>): Decoder<T> {
  const { pattern, schema = {} } = options;
  return {
    expects: options.expects,
    jsonSchema: {
      type: 'string',
      ...(pattern !== undefined && { pattern: `^(?:${pattern})$|${EXPANSION_PATTERN}` }),
      ...schema,
    },
    decode(at, source) {
      const read = readText(at, source, options);
      if (read === undefined) return undefined;
      const parsed = options.parse(read.text);
      if (parsed.ok) return parsed.value;
      reportWrong(read, parsed, options, source);
      return undefined;
    },
  };
}

/** The parser's message repeats the text, which must not be shown when it came from a secret. */
function reportWrong<T>(
  { place, text: given, written, expanded }: ReadText,
  { wrong, right }: Extract<Parsed<T>, { ok: false }>,
  options: TextOptions<T>,
  source: Source,
): void {
  const blank = otherBlankIn(given);
  if (expanded && IN_QUOTES.test(given)) source.report(place, quotedText(written), 'the value without them');
  else if (options.secret === 'parser') source.report(place, wrong, right);
  else if (options.secret) source.report(place, 'the value is not of the right form', options.expects);
  else if (expanded) source.report(place, `the value of ${written} is not right`, options.expects);
  else if (blank !== undefined) source.report(place, `${written} ${blank}`, right);
  else source.report(place, wrong, otherWord(given, options) ?? right);
}

function quotedText(written: string): string {
  return `the quotes around what ${written} stands for are a part of it`;
}

/** The word that is right where another one for the same was given: `off` for `no` or `false`. */
function otherWord<T>(given: string, { parse }: TextOptions<T>): string | undefined {
  const meant = readSwitch(given);
  if (meant === undefined) return undefined;
  const known = meant ? 'on' : 'off';
  return parse(known).ok ? known : undefined;
}

/** One of a few words. */
export function word<const W extends string>(words: readonly W[]): Decoder<W> {
  const expects = words.join(', ').replace(/, ([^,]*)$/, ' or $1');
  return {
    ...text({
      expects,
      parse: (given): Parsed<W> => {
        const known = words.find((candidate) => candidate === given);
        if (known !== undefined) return { ok: true, value: known };
        return { ok: false, wrong: `${JSON.stringify(given)} is not known`, right: expects };
      },
    }),
    jsonSchema: { anyOf: [{ enum: words }, { type: 'string', pattern: EXPANSION_PATTERN }] },
  };
}

/** `true` or `false`. */
export const flag: Decoder<boolean> = {
  expects: 'true or false',
  jsonSchema: { anyOf: [{ type: 'boolean' }, { type: 'string', pattern: EXPANSION_PATTERN }] },
  decode(at, source) {
    const read = readText(at, source, { expects: 'true or false', bare: true });
    if (read === undefined) return undefined;
    const isBoolean = read.place.node?.kind === 'scalar' && typeof read.place.node.value === 'boolean';
    if ((isBoolean || read.expanded) && /^(?:true|false)$/.test(read.text)) return read.text === 'true';
    const meant = read.expanded ? undefined : readSwitch(read.text);
    if (meant === undefined) source.report(read.place, `${read.written} is neither true nor false`, 'true or false');
    else if (isBoolean) source.report(read.place, `${read.written} is not in small letters`, String(meant));
    // YAML 1.1 had these words for booleans, and text in quotes never is one.
    else source.report(read.place, `${read.written} is a text in YAML 1.2`, `${meant}, without quotes`);
    return undefined;
  },
};

/** A whole number within bounds. */
export function integer(expects: string, min: number, max: number): Decoder<number> {
  return {
    expects,
    jsonSchema: {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: EXPANSION_PATTERN },
      ],
    },
    decode(at, source) {
      const read = readText(at, source, { expects, bare: true });
      if (read === undefined) return undefined;
      const isNumber = read.place.node?.kind === 'scalar' && typeof read.place.node.value === 'number';
      const value =
        /^(0|[1-9]\d{0,14})$/.test(read.text) && (isNumber || read.expanded) ? Number(read.text) : Number.NaN;
      if (value >= min && value <= max) return value;
      source.report(read.place, `${read.written} is not a whole number from ${min} to ${max}`, expects);
      return undefined;
    },
  };
}

interface ReadText {
  readonly place: Place;
  readonly text: string;
  /** The text as it stands in the file, for messages. */
  readonly written: string;
  readonly expanded: boolean;
}

type ReadOptions = Pick<TextOptions<unknown>, 'expects' | 'multiline' | 'bare' | 'secret'>;

function readText(at: Place, source: Source, options: ReadOptions): ReadText | undefined {
  const place = source.resolve(at);
  if (place === undefined) return undefined;
  if (place.node?.kind !== 'scalar') return wrongKind(place, source, options.expects);
  const { value } = place.node;
  if (typeof value !== 'string') {
    const bare = place.node.written ?? (value === null ? '' : String(value));
    if (options.bare) return { place, text: bare, written: bare === '' ? 'nothing' : bare, expanded: false };
    if (value === null) return wrongKind(place, source, options.expects);
    const shown = options.secret ? 'the value' : bare;
    // YAML would read an unquoted 0x… address as a number and lose digits. A boolean in quotes would be no better.
    const right = typeof value === 'boolean' ? options.expects : `it in quotes: ${JSON.stringify(shown)}`;
    source.report(place, `${shown} without quotes is a ${typeof value} in YAML`, right);
    return undefined;
  }
  const expansion = source.expand(value);
  if (!expansion.ok) {
    source.report(place, expansion.wrong, expansion.right);
    return undefined;
  }
  if (expansion.expanded && IN_QUOTES.test(expansion.text))
    source.warn(place, quotedText(JSON.stringify(value)), 'the value without them');
  if ((options.multiline ? CONTROL_BUT_BREAKS : CONTROL).test(expansion.text)) {
    source.report(place, 'the value holds a line break or another control character', options.expects);
    return undefined;
  }
  return { place, text: expansion.text, written: JSON.stringify(value), expanded: expansion.expanded };
}
