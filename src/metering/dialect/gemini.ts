import type { Figures } from '../../domain/rate.ts';
import type { Facts } from '../read/facts.ts';
import { count, difference, sum, wholeFigures } from './counts.ts';
import type { Dialect, EventMeaning, Fields } from './dialect.ts';

/**
 * Google's Gemini. Every event tells of all tokens so far, thoughts apart; nothing marks the end of a stream but a
 * reason to finish. A count of zero may be left out.
 */
export const gemini: Dialect = {
  name: 'gemini',
  dimensions: ['input', 'cachedInput', 'output'],
  fields: {
    '/usageMetadata/promptTokenCount': 'prompt',
    '/usageMetadata/toolUsePromptTokenCount': 'toolUse',
    '/usageMetadata/cachedContentTokenCount': 'cached',
    '/usageMetadata/candidatesTokenCount': 'candidates',
    '/usageMetadata/thoughtsTokenCount': 'thoughts',
  },
  model: ['/modelVersion'],
  output: ['/candidates/*/content/parts/*/text'],
  marks: ['/error', '/candidates/*/finishReason'],
  limit: (path) =>
    /:(?:stream)?generateContent$/i.test(path)
      ? {
          members: [['generationConfig', 'maxOutputTokens']],
          answers: ['generationConfig', 'candidateCount'],
          negativeIsNone: false,
        }
      : undefined,
  meaning,
  figures,
};

function meaning(facts: Facts): EventMeaning {
  if (facts.has('/error')) return 'failed';
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
