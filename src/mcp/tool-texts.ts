/** The positions of the tools of a list in its text. */
export interface ToolTexts {
  /** Positions of the first character after `[`, and of `]`. */
  readonly from: number;
  readonly to: number;
  /** The text of each. */
  readonly tools: readonly string[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Finds the members of `result.tools` in a message without parsing them: a list of hundreds of tools is parsed once,
 * and not for each client. `undefined` where the text is not plainly such a list, for example with a member twice: then
 * it has to be parsed.
 */
export function toolTextsIn(text: string): ToolTexts | undefined {
  const scan = new Scan(text);
  if (!scan.findMember('result', '{') || !scan.findMember('tools', '[')) return undefined;
  const from = scan.at + 1;
  const found = scan.elements();
  if (found === undefined) return undefined;
  const { tools, to } = found;
  return mayRepeat(text.slice(to)) ? undefined : { from, to, tools };
}

/**
 * Whether the text between two others is the whole `result.tools` of one message.
 *
 * @param before the text up to `[`, included
 * @param behind the text from `]` on
 */
export function isListOfTools(before: string, behind: string): boolean {
  const scan = new Scan(before);
  if (!scan.findMember('result', '{') || !scan.findMember('tools', '[')) return false;
  return scan.at === before.length - 1 && behind.startsWith(']') && !mayRepeat(behind);
}

/** Whether a text may name either member once more, also by an escape. */
function mayRepeat(behind: string): boolean {
  return behind.includes('"tools"') || behind.includes('"result"') || behind.includes('\\');
}

/** Steps through the text of an object. It finds where values end, and does not parse them. */
class Scan {
  readonly #text: string;
  /** Start of the value that was found last; at first, of the whole text. */
  at: number;

  constructor(text: string) {
    this.#text = text;
    this.at = this.#blank(0);
  }

  /** Steps to the value of a member of the current object, which has to begin with `opening`. */
  findMember(name: string, opening: '{' | '['): boolean {
    if (this.#text[this.at] !== '{') return false;
    let at = this.#blank(this.at + 1);
    while (this.#text.charCodeAt(at) === QUOTE) {
      const end = this.#afterString(at);
      const key = this.#text.slice(at + 1, end - 1);
      const colon = this.#blank(end);
      if (key.includes('\\') || this.#text.charCodeAt(colon) !== COLON) return false;
      const value = this.#blank(colon + 1);
      if (key === name) {
        this.at = value;
        return this.#text[value] === opening;
      }
      at = this.#blank(this.#afterValue(value));
      if (this.#text.charCodeAt(at) !== COMMA) return false;
      at = this.#blank(at + 1);
    }
    return false;
  }

  /** The values of the current list. */
  elements(): { readonly tools: readonly string[]; readonly to: number } | undefined {
    const tools: string[] = [];
    let at = this.#blank(this.at + 1);
    if (this.#text[at] === ']') return { tools, to: at };
    while (at < this.#text.length) {
      const end = this.#afterValue(at);
      if (end === at) return undefined;
      tools.push(this.#text.slice(at, end));
      at = this.#blank(end);
      if (this.#text[at] === ']') return { tools, to: at };
      if (this.#text.charCodeAt(at) !== COMMA) return undefined;
      at = this.#blank(at + 1);
    }
    return undefined;
  }

  #blank(from: number): number {
    let at = from;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
      at += 1;
    }
  }

  #afterString(from: number): number {
    let at = from;
    for (;;) {
      at = this.#text.indexOf('"', at + 1);
      if (at === -1) return this.#text.length;
      let slashes = 0;
      while (this.#text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
      if (slashes % 2 === 0) return at + 1;
    }
  }

  #afterValue(from: number): number {
    const text = this.#text;
    let depth = 0;
    let at = from;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        at = this.#afterString(at);
        if (depth === 0) return at;
      } else if (code === 0x7b || code === 0x5b) {
        depth += 1;
        at += 1;
      } else if (code === 0x7d || code === 0x5d) {
        if (depth === 0) return at;
        depth -= 1;
        at += 1;
        if (depth === 0) return at;
      } else if (code === COMMA && depth === 0) return at;
      else at += 1;
    }
    return at;
  }
}
