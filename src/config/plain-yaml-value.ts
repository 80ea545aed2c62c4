import type { ConfigNode, MapPair } from './tree.ts';

/** A value within one line, and where it ends. */
export interface Inline {
  readonly node: ConfigNode;
  readonly end: number;
}

/** In double quotes, with the escapes that mean the same in JSON. */
const DOUBLE = /"(?:[^"\\\n]|\\["\\/nt])*"/y;
const SINGLE = /'(?:[^'\n]|'')*'/y;
/** Without quotes: to the end of the line, or to what ends it within brackets. */
const PLAIN = /[^\s?:,[\]{}#&*!|>'"%@`-][^\n]*/y;
const PLAIN_IN_FLOW = /[^\s?:,[\]{}#&*!|>'"%@`-][^\n,[\]{}]*/y;
const FLOW_KEY = /([A-Za-z_$][\w.$-]{0,99}): +/y;

/** What makes a text without quotes something else, or ends it before its line does. */
const BROKEN = /: |:$| #/;
const DECIMAL = /^\+?(?:[0-9]+|\.[0-9]+|[0-9]+\.[0-9]*)$/;
const NOTHING = /^(?:~|[Nn]ull|NULL)$/;
const TRUTH = /^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$/;
/** Octal, hexadecimal, with exponent, infinite, or none. */
const OTHER_NUMBER =
  /^(?:0o[0-7]+|0x[0-9a-fA-F]+|\+?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN|\+?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+)$/;
const MOST_LEVELS = 16;

/** Reads a text, a number or a flow collection that ends in its line; `undefined` for whatever else is there. */
export function readInline(text: string, at: number): Inline | undefined {
  const first = text[at];
  if (first === '[' || first === '{' || first === '"' || first === "'") return readInFlow(text, at, 0);
  const line = matchAt(PLAIN, text, at);
  if (line === undefined) return undefined;
  const comment = line.indexOf(' #');
  return readPlain(comment === -1 ? line : line.slice(0, comment), at);
}

function readInFlow(text: string, at: number, level: number): Inline | undefined {
  switch (text[at]) {
    case '[':
      return readFlowList(text, at, level);
    case '{':
      return readFlowMap(text, at, level);
    case '"': {
      const quoted = matchAt(DOUBLE, text, at);
      return quoted === undefined
        ? undefined
        : scalar(at, quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1), quoted);
    }
    case "'": {
      const quoted = matchAt(SINGLE, text, at);
      return quoted === undefined ? undefined : scalar(at, quoted.slice(1, -1).replaceAll("''", "'"), quoted);
    }
    default: {
      const plain = matchAt(PLAIN_IN_FLOW, text, at);
      return plain === undefined ? undefined : readPlain(plain, at);
    }
  }
}

/** @param given without a comment behind it */
function readPlain(given: string, at: number): Inline | undefined {
  const plain = given.endsWith(' ') ? given.replace(/ +$/, '') : given;
  if (BROKEN.test(plain) || OTHER_NUMBER.test(plain)) return undefined;
  const written = { kind: 'scalar', offset: at, written: plain } as const;
  const end = at + plain.length;
  if (DECIMAL.test(plain)) return { node: { ...written, value: Number(plain) }, end };
  if (TRUTH.test(plain)) return { node: { ...written, value: plain.toLowerCase() === 'true' }, end };
  if (NOTHING.test(plain)) return { node: { ...written, value: null }, end };
  return scalar(at, plain, plain);
}

function readFlowList(text: string, offset: number, level: number): Inline | undefined {
  const items: ConfigNode[] = [];
  const end = readEntries(text, offset, level, ']', (at) => {
    const item = readInFlow(text, at, level + 1);
    if (item === undefined) return undefined;
    items.push(item.node);
    return item.end;
  });
  return end === undefined ? undefined : { node: { kind: 'list', offset, items: [...items] }, end };
}

function readFlowMap(text: string, offset: number, level: number): Inline | undefined {
  const pairs: MapPair[] = [];
  const end = readEntries(text, offset, level, '}', (at) => {
    FLOW_KEY.lastIndex = at;
    const [, name] = FLOW_KEY.exec(text) ?? [];
    if (name === undefined || pairs.some((pair) => pair.name === name)) return undefined;
    const value = readInFlow(text, FLOW_KEY.lastIndex, level + 1);
    if (value === undefined) return undefined;
    pairs.push({ name, offset: at, value: value.node });
    return value.end;
  });
  return end === undefined ? undefined : { node: { kind: 'map', offset, pairs: [...pairs] }, end };
}

/** Reads what stands between brackets, separated by commas. @returns where the bracket that closes them ends */
function readEntries(
  text: string,
  offset: number,
  level: number,
  close: ']' | '}',
  read: (at: number) => number | undefined,
): number | undefined {
  if (level === MOST_LEVELS) return undefined;
  let at = skipSpaces(text, offset + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    const end = read(at);
    if (end === undefined) return undefined;
    at = skipSpaces(text, end);
    if (text[at] === close) return at + 1;
    if (text[at] !== ',') return undefined;
    at = skipSpaces(text, at + 1);
  }
}

function scalar(offset: number, value: string, written: string): Inline {
  return { node: { kind: 'scalar', offset, value }, end: offset + written.length };
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ') at += 1;
  return at;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
