import type { Figures } from '../../domain/rate.ts';
import { type Facts, textAt } from '../read/facts.ts';
import { count, wholeFigures } from './counts.ts';
import type { Dialect, EventMeaning, Fields } from './dialect.ts';

/**
 * Anthropic's Messages. Tokens that were read, written to a cache and read from it are separate figures, and none is
 * counted twice. A stream states its input in `message_start`, and its output so far in each `message_delta`.
 */
export const anthropic: Dialect = {
  name: 'anthropic',
  dimensions: ['input', 'cachedInput', 'cacheWrite', 'output'],
  onlyRises: true,
  fields: {
    '/usage/input_tokens': 'input',
    '/usage/cache_creation_input_tokens': 'cacheWrite',
    '/usage/cache_read_input_tokens': 'cached',
    '/usage/output_tokens': 'output',
    '/message/usage/input_tokens': 'input',
    '/message/usage/cache_creation_input_tokens': 'cacheWrite',
    '/message/usage/cache_read_input_tokens': 'cached',
    '/message/usage/output_tokens': 'output',
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

function figures(fields: Fields): Figures | undefined {
  if (!fields.has('input') || !fields.has('output')) return undefined;
  return wholeFigures(
    ['input', count(fields, 'input')],
    ['cachedInput', count(fields, 'cached')],
    ['cacheWrite', count(fields, 'cacheWrite')],
    ['output', count(fields, 'output')],
  );
}
