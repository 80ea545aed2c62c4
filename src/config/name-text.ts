import type { Parsed } from '../domain/price.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';

/** The form of names of one kind. */
export interface NameForm {
  /** With its article: `a route name`. */
  readonly kind: string;
  /** Other signs than letters and digits, after the first character; for a class of a regular expression. */
  readonly signs: string;
  /** Most characters. */
  readonly most: number;
  /** What a right one is, for messages. */
  readonly right: string;
}

/** A name that begins with a letter or a digit. */
export function nameText({ kind, signs, most, right }: NameForm): Decoder<string> {
  const pattern = `[A-Za-z0-9][A-Za-z0-9${signs}]{0,${most - 1}}`;
  const form = new RegExp(`^${pattern}$`);
  return text({
    expects: right,
    pattern,
    parse: (given): Parsed<string> =>
      form.test(given)
        ? { ok: true, value: given }
        : { ok: false, wrong: `${JSON.stringify(given.slice(0, 100))} is not ${kind}`, right },
  });
}
