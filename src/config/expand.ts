import { whyUnreadable } from './unreadable.ts';

/** Where the values behind `${NAME}` and `${file:/path}` come from. */
export interface Outside {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a UTF-8 text file; throws when it cannot. */
  readonly readFile: (path: string) => string;
}

/** A text with its expansions filled in, or what is wrong. `wrong` never holds an expanded value. */
export type Expansion =
  | { readonly ok: true; readonly text: string; readonly expanded: boolean }
  | { readonly ok: false; readonly wrong: string; readonly right: string };

/** `$${` (an escape), or `${` with what follows up to `}`. A `$` before anything else, as in `$0.001`, is just a `$`. */
const EXPANSION = /\$\$\{|\$\{([^}]*)(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A secret or a certificate bundle; a log file named by mistake is none. */
const MAX_FILE_CHARS = 256 * 1024;

type Value = { readonly ok: true; readonly value: string } | (Expansion & { readonly ok: false });

/**
 * Fills in `${NAME}` (environment) and `${file:/path}` (file content) in one scalar, each without its trailing newline.
 *
 * It runs on scalars after YAML was parsed, and its results are not looked at again, so that a value can inject neither
 * YAML nor another expansion. `$${` stands for a literal `${`.
 */
export function expand(text: string, outside: Outside): Expansion {
  if (!text.includes(`\${`)) return { ok: true, text, expanded: false };
  let result = '';
  let end = 0;
  let expanded = false;
  for (const match of text.matchAll(EXPANSION)) {
    result += text.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[0] === `$\${`) {
      result += `\${`;
      continue;
    }
    const value = match[2] === '}' ? referenced(match[1] ?? '', outside) : unknownForm(match[0]);
    if (!value.ok) return value;
    result += value.value;
    expanded = true;
  }
  return { ok: true, text: result + text.slice(end), expanded };
}

function referenced(reference: string, outside: Outside): Value {
  if (reference.startsWith('file:')) return fileValue(reference.slice('file:'.length), outside);
  if (!NAME.test(reference)) return unknownForm(`\${${reference}}`);
  const given = Object.hasOwn(outside.env, reference) ? outside.env[reference] : undefined;
  const value = given && withoutLineEnd(given);
  if (value === undefined) {
    return {
      ok: false,
      wrong: `the environment variable ${reference} is not set`,
      right: `${reference} in the environment`,
    };
  }
  if (value === '') {
    return { ok: false, wrong: `the environment variable ${reference} is empty`, right: 'a value in it' };
  }
  return { ok: true, value };
}

function fileValue(path: string, outside: Outside): Value {
  if (!path.startsWith('/')) {
    return {
      ok: false,
      wrong: `the file ${JSON.stringify(path)} is not an absolute path`,
      right: `\${file:/path/to/file}`,
    };
  }
  let content: string;
  try {
    content = outside.readFile(path);
  } catch (error) {
    const wrong = `the file ${path} cannot be read: ${whyUnreadable(error)}`;
    return { ok: false, wrong, right: 'a file that the gateway may read' };
  }
  if (content.length > MAX_FILE_CHARS) {
    return { ok: false, wrong: `the file ${path} is too large`, right: 'a secret or certificate of at most 256 KiB' };
  }
  const value = withoutLineEnd(content);
  return value === '' ? { ok: false, wrong: `the file ${path} is empty`, right: 'a value in it' } : { ok: true, value };
}

/** Editors end a file, and `echo` a secret of Kubernetes, with a line end that is no part of the value. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function unknownForm(text: string): Value {
  return {
    ok: false,
    wrong: `${JSON.stringify(text)} is not an expansion`,
    right: `\${NAME} or \${file:/path}, or $\${ for a literal \${`,
  };
}
