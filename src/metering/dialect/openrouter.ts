import { addDecimals, type Decimal, parseDecimal } from '../../domain/decimal.ts';
import type { Figures } from '../../domain/rate.ts';
import type { Dialect, Fields } from './dialect.ts';
import { openai } from './openai.ts';

const COST_FIELDS = Object.fromEntries(
  ['/usage', '/response/usage'].flatMap((place) => [
    [`${place}/cost`, 'cost'],
    [`${place}/is_byok`, 'ownKey'],
    [`${place}/cost_details/upstream_inference_cost`, 'vendorCost'],
  ]),
);

/** OpenRouter: OpenAI's shapes, and what the call cost. The cost is read from its text, which may have an exponent. */
export const openrouter: Dialect = {
  ...openai,
  name: 'openrouter',
  dimensions: [...openai.dimensions, 'cost'],
  fields: { ...openai.fields, ...COST_FIELDS },
  figures,
};

function figures(fields: Fields, model: string | undefined): Figures | undefined {
  const cost = costOf(fields);
  if (cost === undefined) return undefined;
  return new Map([...(openai.figures(fields, model) ?? []), ['cost', cost]]);
}

/**
 * Where OpenRouter calls a model with its customer's own key, `cost` is its fee alone, mostly 0: the vendor bills the
 * rest. Otherwise `cost` is all.
 */
function costOf(fields: Fields): Decimal | undefined {
  const cost = parseDecimal(fields.get('cost') ?? '');
  if (cost === undefined || fields.get('ownKey') !== 'true') return cost;
  const vendor = parseDecimal(fields.get('vendorCost') ?? '');
  return vendor === undefined ? undefined : addDecimals(cost, vendor);
}
