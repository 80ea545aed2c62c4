import type { Figures } from '../../domain/rate.ts';
import { type Facts, textAt } from '../read/facts.ts';
import { count, difference, sum, wholeFigures } from './counts.ts';
import type { Dialect, EventMeaning, Fields, OutputLimit } from './dialect.ts';

/** Events that end a stream of an interaction and carry its usage: the name of today, and an earlier one. */
const LAST: ReadonlySet<string | undefined> = new Set(['interaction.completed', 'interaction.complete']);

/** The places of what an interaction makes: in its events, where a thought's summary lies deeper, and in the whole of it. */
const CONTENTS = ['/delta', '/delta/content', '/outputs/*', '/steps/*/content/*', '/steps/*/summary/*'];

/**
 * Google's Gemini: `generateContent` and Interactions. Cached input is a part of the input; thoughts are counted apart.
 * Every event of `streamGenerateContent` states all tokens so far, and only a finish reason marks the end of its
 * stream. An interaction states its tokens in its last event. A count of zero may be left out.
 */
export const gemini: Dialect = {
  name: 'gemini',
  dimensions: ['input', 'cachedInput', 'output'],
  onlyRises: true,
  fields: {
    '/usageMetadata/promptTokenCount': 'prompt',
    '/usageMetadata/toolUsePromptTokenCount': 'toolUse',
    '/usageMetadata/cachedContentTokenCount': 'cached',
    '/usageMetadata/candidatesTokenCount': 'candidates',
    '/usageMetadata/thoughtsTokenCount': 'thoughts',
    ...interactionFields('/usage'),
    ...interactionFields('/interaction/usage'),
  },
  model: ['/modelVersion', '/model', '/interaction/model'],
  output: [
    ['/candidates/*/content/parts/*/text'],
    ['/candidates/*/content/parts/*/functionCall/args/**'],
    ['/candidates/*/content/parts/*/executableCode/code'],
    ['/candidates/*/content/parts/*/inlineData/data'],
    // An interaction, event by event and whole; of outputs before June 2026.
    ...CONTENTS.flatMap((place) => [[`${place}/text`], [`${place}/data`]]),
    ...['/delta', '/outputs/*', '/steps/*'].map((place) => [`${place}/arguments/**`]),
  ],
  media: new Set(['/candidates/*/content/parts/*/inlineData/data', ...CONTENTS.map((place) => `${place}/data`)]),
  marks: ['/error', '/candidates/*/finishReason', '/event_type'],
  limit,
  meaning,
  figures,
};

function interactionFields(place: string): Readonly<Record<string, string>> {
  return {
    [`${place}/total_input_tokens`]: 'prompt',
    [`${place}/total_tool_use_tokens`]: 'toolUse',
    [`${place}/total_cached_tokens`]: 'cached',
    [`${place}/total_output_tokens`]: 'candidates',
    [`${place}/total_thought_tokens`]: 'thoughts',
  };
}

function limit(path: string): OutputLimit | undefined {
  if (path.endsWith('/interactions')) {
    return { members: [['generation_config', 'max_output_tokens']], answers: [], negativeIsNone: false };
  }
  if (!/:(?:stream)?generateContent$/i.test(path)) return undefined;
  const answers = [['generationConfig', 'candidateCount']];
  return { members: [['generationConfig', 'maxOutputTokens']], answers, negativeIsNone: false };
}

function meaning(facts: Facts): EventMeaning {
  if (facts.has('/error')) return 'failed';
  if (LAST.has(textAt(facts, '/event_type'))) return 'last';
  return facts.has('/candidates/*/finishReason') ? 'last' : 'content';
}

function figures(fields: Fields): Figures | undefined {
  if (!fields.has('prompt')) return undefined;
  const cached = count(fields, 'cached');
  return wholeFigures(
    ['input', difference(sum(fields, 'prompt', 'toolUse'), cached)],
    ['cachedInput', cached],
    ['output', sum(fields, 'candidates', 'thoughts')],
  );
}
