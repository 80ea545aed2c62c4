import type { Figures } from '../../domain/rate.ts';
import type { Facts } from '../read/facts.ts';
import { count, wholeFigures } from './counts.ts';
import type { Dialect, EventMeaning, Fields } from './dialect.ts';

/** Ollama's own API: lines of JSON, of which the last one, `done: true`, has the counts. */
export const ollama: Dialect = {
  name: 'ollama',
  dimensions: ['input', 'output'],
  onlyRises: true,
  fields: { '/prompt_eval_count': 'input', '/eval_count': 'output' },
  model: ['/model'],
  output: [
    ['/message/content'],
    ['/message/thinking'],
    ['/message/tool_calls/*/function/arguments/**'],
    ['/response'],
    ['/thinking'],
  ],
  marks: ['/done', '/error'],
  limit: (path) =>
    /\/api\/(?:chat|generate)$/.test(path)
      ? { members: [['options', 'num_predict']], answers: [], negativeIsNone: true }
      : undefined,
  meaning,
  figures,
};

function meaning(facts: Facts): EventMeaning {
  if (facts.has('/error')) return 'failed';
  const done = facts.get('/done');
  return done?.kind === 'boolean' && done.value ? 'last' : 'content';
}

function figures(fields: Fields): Figures | undefined {
  // A prompt that was in memory has no count, and an embedding makes no output.
  if (!fields.has('input') && !fields.has('output')) return undefined;
  return wholeFigures(['input', count(fields, 'input')], ['output', count(fields, 'output')]);
}
