import { parseDecimal } from '../../domain/decimal.ts';
import type { Figures } from '../../domain/rate.ts';
import type { Dialect, Fields } from './dialect.ts';
import { openai } from './openai.ts';

/** OpenRouter: OpenAI's shapes, and what the call cost. The cost is read from its text, which may have an exponent. */
export const openrouter: Dialect = {
  ...openai,
  name: 'openrouter',
  dimensions: [...openai.dimensions, 'cost'],
  fields: { ...openai.fields, '/usage/cost': 'cost', '/response/usage/cost': 'cost' },
  figures,
};

function figures(fields: Fields): Figures | undefined {
  const cost = parseDecimal(fields.get('cost') ?? '');
  if (cost === undefined) return undefined;
  return new Map([...(openai.figures(fields) ?? []), ['cost', cost]]);
}
