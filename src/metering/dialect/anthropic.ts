import type { Figures } from '../../domain/rate.ts';
import { type Facts, textAt } from '../read/facts.ts';
import { sum, wholeFigures } from './counts.ts';
import type { Dialect, EventMeaning, Fields } from './dialect.ts';

/** The figures, by the last parts of their places. */
const FIGURES = {
  input_tokens: 'input',
  cache_creation_input_tokens: 'cacheWrite',
  cache_read_input_tokens: 'cached',
  output_tokens: 'output',
} as const;

/** Most calls of models within one call that are looked at. */
const MOST_ITERATIONS = 64;

/**
 * Calls of models that Anthropic bills beside the stated sums: the summary of a long conversation, and an advisor that
 * the model asks. All others are in the sums, or cost nothing.
 */
const APART: ReadonlySet<string | undefined> = new Set(['compaction', 'advisor_message']);

/**
 * Anthropic's Messages. Tokens that were read, written to a cache and read from it are separate figures, and none is
 * counted twice. A stream states its input in `message_start`, and its output so far in each `message_delta`.
 */
export const anthropic: Dialect = {
  name: 'anthropic',
  dimensions: ['input', 'cachedInput', 'cacheWrite', 'output'],
  onlyRises: true,
  fields: {
    ...fieldsAt('/usage'),
    ...fieldsAt('/message/usage'),
    ...Object.assign({}, ...Array.from({ length: MOST_ITERATIONS }, (_, at) => iterationFields(at))),
  },
  model: ['/model', '/message/model'],
  output: [
    ['/delta/text'],
    ['/delta/thinking'],
    ['/delta/partial_json'],
    // The whole answer.
    ['/content/*/text'],
    ['/content/*/thinking'],
    ['/content/*/input/**'],
  ],
  marks: ['/type', '/delta/stop_reason'],
  limit: (path) =>
    path.endsWith('/messages') ? { members: [['max_tokens']], answers: [], negativeIsNone: false } : undefined,
  meaning,
  figures,
};

function meaning(facts: Facts): EventMeaning {
  const type = textAt(facts, '/type');
  if (type === 'error') return 'failed';
  if (type === 'message_stop') return 'last';
  return facts.has('/delta/stop_reason') ? 'closing' : 'content';
}

function fieldsAt(place: string, ending = ''): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(FIGURES).map(([member, name]) => [`${place}/${member}`, name + ending]));
}

function iterationFields(at: number): Readonly<Record<string, string>> {
  const place = `/usage/iterations/${at}`;
  return { ...fieldsAt(place, String(at)), [`${place}/type`]: `type${at}` };
}

function figures(fields: Fields): Figures | undefined {
  if (!fields.has('input') || !fields.has('output')) return undefined;
  const endings = [''];
  for (let at = 0; fields.has(`type${at}`); at += 1) if (APART.has(fields.get(`type${at}`))) endings.push(String(at));
  const all = (name: string): bigint | undefined => sum(fields, ...endings.map((ending) => name + ending));
  return wholeFigures(
    ['input', all('input')],
    ['cachedInput', all('cached')],
    ['cacheWrite', all('cacheWrite')],
    ['output', all('output')],
  );
}
