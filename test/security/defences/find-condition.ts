import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a condition stands. */
export interface Place {
  /** Path of the file, as the sources name it. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** Lines of a file, first and last included. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Finds a condition by the function, class or constant that holds it, in whatever file that is: code that moves, and lines
 * that are broken in another place, are still found. `Class.method` names a method. The sources are formatted, so that a
 * declaration ends where its own indentation comes back.
 *
 * @param sources text by path
 * @param condition any white space in it stands for any other
 * @returns why it cannot be found, where it stands nowhere, or more than once
 */
export function findCondition(
  sources: ReadonlyMap<string, string>,
  holder: string,
  condition: string,
): Place | { readonly problem: string } {
  const wanted = patternOf(condition);
  const places: Place[] = [];
  let isHeld = false;
  for (const [file, text] of sources) {
    for (const [start, end] of spansOf(text, holder)) {
      isHeld = true;
      for (const found of text.slice(start, end).matchAll(wanted)) {
        places.push({ file, start: start + found.index, end: start + found.index + found[0].length });
      }
    }
  }
  const [only] = places;
  if (only !== undefined && places.length === 1) return only;
  if (!isHeld) return { problem: `nothing is called ${holder}` };
  return { problem: `the condition stands in ${holder} ${places.length} times` };
}

/** Reads all of `src`, by the path from the root of the repository. */
export function readSources(root: string): ReadonlyMap<string, string> {
  const files = globSync('src/**/*.ts', { cwd: root });
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

function patternOf(condition: string): RegExp {
  const escaped = condition.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return new RegExp(escaped.replaceAll(/\s+/g, '\\s+'), 'g');
}

/** The parts of a text that declarations of this name take up. */
function spansOf(text: string, holder: string): readonly (readonly [start: number, end: number])[] {
  const [name = '', member] = holder.split('.', 2);
  if (!text.includes(name)) return [];
  const lines = text.split('\n');
  const whole = { first: 0, last: lines.length - 1 };
  const tops = rangesOf(lines, whole, topLevel(name));
  const ranges = member === undefined ? tops : tops.flatMap((range) => rangesOf(lines, range, inClass(member)));
  const starts = [0];
  for (const line of lines) starts.push((starts.at(-1) ?? 0) + line.length + 1);
  return ranges.map(({ first, last }) => [starts[first] ?? 0, starts[last + 1] ?? text.length]);
}

function rangesOf(lines: readonly string[], within: Range, begins: RegExp): readonly Range[] {
  const ranges: Range[] = [];
  for (let first = within.first; first <= within.last; first += 1) {
    if (begins.test(lines[first] ?? '')) ranges.push({ first, last: endOf(lines, first) });
  }
  return ranges;
}

/** The line on which the indentation of the first one comes back with a bracket that closes; else the first itself. */
function endOf(lines: readonly string[], first: number): number {
  const own = /^ */.exec(lines[first] ?? '')?.[0].length ?? 0;
  for (let line = first + 1; line < lines.length; line += 1) {
    const text = lines[line] ?? '';
    const indent = /^ */.exec(text)?.[0].length ?? 0;
    if (text.trim() === '' || indent > own) continue;
    if (indent < own) return line - 1;
    // A signature that is broken into lines ends with a bracket, after which its body begins.
    if (/^ *[)\]}]/.test(text) && !/[({[]$/.test(text)) return line;
    if (!/^ *[)\]}]/.test(text)) return line - 1;
  }
  return lines.length - 1;
}

function topLevel(name: string): RegExp {
  return new RegExp(
    `^(?:export )?(?:(?:async )?function\\*? |const |(?:abstract )?class |interface )${escaped(name)}(?![\\w$])`,
  );
}

function inClass(member: string): RegExp {
  return new RegExp(`^ {2}(?:static |async |get |override |readonly |\\*)*${escaped(member)}(?![\\w$])`);
}

function escaped(name: string): string {
  return name.replaceAll('$', '\\$');
}
