import { isMap, type Json, truthy, words } from './template-words.ts';

/**
 * The part of Go's text/template that the chart is written in: text, `{{-` and `-}}`, comments, `if`, `else`, `with`,
 * `define`, fields, strings, numbers, pipes and calls of the functions it is given. Anything else throws, so that a chart
 * which passes uses nothing that was not looked at; what is not there throws, too, where Helm would print nothing.
 */
export class Template {
  readonly #defined = new Map<string, readonly Part[]>();
  readonly #functions: Functions;

  constructor(functions: Functions) {
    this.#functions = { ...functions, include: ([name, dot]) => this.#include(name, dot ?? null) };
  }

  /** Reads a file, and remembers what it defines; returns what renders the rest of it. */
  load(text: string): (dot: Json) => string {
    const parts = new Reader(text, this.#defined).file();
    return (dot) => this.#render(parts, dot, dot);
  }

  #include(name: Json | undefined, dot: Json): string {
    const parts = typeof name === 'string' ? this.#defined.get(name) : undefined;
    if (parts === undefined) throw new Error(`include of ${JSON.stringify(name)}, which nothing defines`);
    return this.#render(parts, dot, dot);
  }

  #render(parts: readonly Part[], dot: Json, root: Json): string {
    return parts.map((part) => this.#renderPart(part, dot, root)).join('');
  }

  #renderPart(part: Part, dot: Json, root: Json): string {
    if (part.kind === 'text') return part.text;
    const value = this.#evaluate(words(part.pipeline), dot, root);
    switch (part.kind) {
      case 'print':
        if (value === null || typeof value === 'object') throw new Error(`{{ ${part.pipeline} }} is no text`);
        return String(value);
      case 'if':
        return this.#render(truthy(value) ? part.then : part.otherwise, dot, root);
      case 'with':
        return truthy(value) ? this.#render(part.then, value, root) : this.#render(part.otherwise, dot, root);
    }
  }

  /** A pipe: each command gets the value of the one before as its last argument. */
  #evaluate(tokens: readonly string[], dot: Json, root: Json): Json {
    const commands: string[][] = [[]];
    let depth = 0;
    for (const token of tokens) {
      if (token === '(') depth += 1;
      if (token === ')') depth -= 1;
      if (token === '|' && depth === 0) commands.push([]);
      else commands.at(-1)?.push(token);
    }
    return (
      commands.reduce<Json | undefined>((piped, command) => this.#call(command, piped, dot, root), undefined) ?? null
    );
  }

  #call(command: readonly string[], piped: Json | undefined, dot: Json, root: Json): Json {
    const [head = '', ...rest] = command;
    const given = this.#operands(rest, dot, root);
    const named = Object.hasOwn(this.#functions, head) ? this.#functions[head] : undefined;
    if (named !== undefined) return named(piped === undefined ? given : [...given, piped]);
    const [value, ...more] = this.#operands(command, dot, root);
    if (value === undefined || more.length > 0 || piped !== undefined) throw new Error(`no call: ${command.join(' ')}`);
    return value;
  }

  #operands(tokens: readonly string[], dot: Json, root: Json): Json[] {
    const values: Json[] = [];
    for (let index = 0; index < tokens.length; index += 1) {
      const token = tokens[index] ?? '';
      if (token !== '(') {
        values.push(operand(token, dot, root));
        continue;
      }
      const end = closing(tokens, index);
      values.push(this.#evaluate(tokens.slice(index + 1, end), dot, root));
      index = end;
    }
    return values;
  }
}

/** Functions by name; a piped value comes last. */
export type Functions = Readonly<Record<string, (given: readonly Json[]) => Json>>;

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: string }
  | {
      readonly kind: 'if' | 'with';
      readonly pipeline: string;
      readonly then: readonly Part[];
      readonly otherwise: readonly Part[];
    };

/** Reads parts up to the `else` or `end` that belongs to them. */
class Reader {
  readonly #pieces: string[];
  readonly #defined: Map<string, readonly Part[]>;

  constructor(text: string, defined: Map<string, readonly Part[]>) {
    // Every other piece is an action; the marks take the white space on their side with them, line breaks included.
    const trimmed = text.replace(/\s*\{\{-(?=\s)/g, '{{').replace(/(?<=\s)-\}\}\s*/g, '}}');
    this.#pieces = trimmed.split(/\{\{(.*?)\}\}/s);
    this.#defined = defined;
  }

  file(): readonly Part[] {
    const { parts, end } = this.#until();
    if (end !== '') throw new Error(`${end} without a beginning`);
    return parts;
  }

  #until(): { readonly parts: readonly Part[]; readonly end: string } {
    const parts: Part[] = [];
    for (;;) {
      parts.push({ kind: 'text', text: this.#pieces.shift() ?? '' });
      const action = this.#pieces.shift()?.trim();
      if (action === undefined) return { parts, end: '' };
      if (action === 'end' || action === 'else') return { parts, end: action };
      const part = this.#action(action);
      if (part !== undefined) parts.push(part);
    }
  }

  #action(action: string): Part | undefined {
    if (/^\/\*.*\*\/$/s.test(action)) return undefined;
    const [, keyword = '', argument = ''] = /^(if|with|define|range|block|template|else)\s+(.*)$/s.exec(action) ?? [];
    switch (keyword) {
      case '':
        return { kind: 'print', pipeline: action };
      case 'if':
      case 'with': {
        const { parts: then, end } = this.#until();
        const otherwise = end === 'else' ? this.#until() : { parts: [], end };
        if (otherwise.end !== 'end') throw new Error(`no end of ${action}`);
        return { kind: keyword, pipeline: argument, then, otherwise: otherwise.parts };
      }
      case 'define': {
        const { parts, end } = this.#until();
        if (end !== 'end') throw new Error(`no end of ${action}`);
        this.#defined.set(argument.slice(1, -1), parts);
        return undefined;
      }
      default:
        throw new Error(`${keyword} is not known here`);
    }
  }
}

function closing(tokens: readonly string[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index += 1) {
    if (tokens[index] === '(') depth += 1;
    if (tokens[index] === ')') depth -= 1;
    if (depth === 0) return index;
  }
  throw new Error('a parenthesis stays open');
}

function operand(token: string, dot: Json, root: Json): Json {
  if (token.startsWith('"') || /^-?\d+$/.test(token)) return JSON.parse(token);
  if (token === 'true' || token === 'false') return token === 'true';
  const [, start, path = ''] = /^(\$?)((?:\.\w+)*)\.?$/.exec(token) ?? [];
  if (start === undefined || token === '') throw new Error(`${token} is not known here`);
  return path
    .split('.')
    .slice(1)
    .reduce<Json>(
      (value, key) => {
        if (!isMap(value)) throw new Error(`${token}: nothing has a ${key}`);
        return value[key] ?? null;
      },
      start === '$' ? root : dot,
    );
}
