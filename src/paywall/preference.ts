/** One entry of a field that states preferences: `text/html;level=1;q=0.8`. */
interface Preference {
  /** Lower case, without parameters. */
  readonly value: string;
  /** From 0 to 1. */
  readonly weight: number;
}

/** Most entries that are read: browsers send fewer. */
const MOST_ENTRIES = 64;
const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** Reads a field such as `Accept` (RFC 9110 §12.4.2). An entry with an invalid weight gets weight 0. */
export function parsePreferences(field: string): readonly Preference[] {
  return field
    .split(',', MOST_ENTRIES)
    .map((entry) => entry.split(';').map((part) => part.trim().toLowerCase()))
    .map(([value = '', ...parameters]) => ({ value, weight: weightOf(parameters) }))
    .filter(({ value }) => value !== '');
}

function weightOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => /^q\s*=/.test(parameter));
  if (given === undefined) return 1;
  return Number(WEIGHT.exec(given)?.[1] ?? 0);
}

/**
 * Whether a client prefers HTML to JSON. The field has to name `text/html`: clients that accept anything (`*` `/` `*`,
 * curl and `fetch`) or send no field are programs.
 */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const preferences = parsePreferences(accept);
  const html = preferences.find(({ value }) => value === 'text/html')?.weight ?? 0;
  return html > 0 && html > weightFor(preferences, ['application/json', 'application/*', '*/*']);
}

/** The weight of the first of these names that is stated, most specific first. */
function weightFor(preferences: readonly Preference[], names: readonly string[]): number {
  for (const name of names) {
    const found = preferences.find(({ value }) => value === name);
    if (found !== undefined) return found.weight;
  }
  return 0;
}
