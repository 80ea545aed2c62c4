import { METERED_FAMILIES, type Metering, type MeterSpec } from '../domain/metered-price.ts';
import { type PaidPrice, type Parsed, parsePrice } from '../domain/price.ts';
import { DIMENSIONS, type Dimension, parseRate, type Rate, type RateCurrency, type Rates } from '../domain/rate.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { byKind, type Entry, record } from './forms.ts';
import { nearest } from './nearest.ts';
import type { Place, Source } from './source.ts';
import { flag, text, word } from './text.ts';

/** A price of what was used, as the file states it. */
export interface MeteredPrice {
  readonly kind: 'metered';
  /** What the buyer signs for. */
  readonly upTo: Ceiling;
  readonly metering: Metering;
  /** Where to report what is wrong with the least charge. */
  readonly minPlace: Place;
}

/** A maximum: in dollars or in a token, since rates are in the same. */
export type Ceiling = Extract<PaidPrice, { kind: 'usd' | 'token' }>;

const UP_TO = 'an amount such as $0.50 or 0.5 USDC';
const METER = 'openai, anthropic, gemini, openrouter, ollama, auto, bytes, seconds, upstream, {header} or {json}';
const RATES = 'a map from what is counted to its price, such as {input: $2.50/1M, output: $10/1M}';

/** An amount in dollars or in a token. */
export const ceiling: Decoder<Ceiling> = text({
  expects: UP_TO,
  bare: true,
  parse: (given): Parsed<Ceiling> => {
    const parsed = parsePrice(given);
    if (!parsed.ok) return parsed;
    const { value } = parsed;
    if (value.kind === 'usd' || value.kind === 'token') return { ok: true, value };
    return { ok: false, wrong: `${given} is no maximum`, right: UP_TO };
  },
});

const headerName = text({
  expects: 'the name of a header, such as X-Cost',
  pattern: '[A-Za-z0-9-]{1,64}',
  parse: (given): Parsed<string> =>
    /^[A-Za-z0-9-]{1,64}$/.test(given)
      ? { ok: true, value: given.toLowerCase() }
      : { ok: false, wrong: `${JSON.stringify(given)} is no name of a header`, right: 'a name such as X-Cost' },
});

const pointer = text({
  expects: 'a JSON pointer such as /usage/credits',
  pattern: '(?:/(?:[^~/]|~[01])*)+',
  parse: (given): Parsed<string> =>
    /^(?:\/(?:[^~/]|~[01])*)+$/.test(given) && given.length <= 200
      ? { ok: true, value: given }
      : { ok: false, wrong: `${JSON.stringify(given)} is no JSON pointer`, right: 'a pointer such as /usage/credits' },
});

/** The keys of a meter that reads one place of the answer. */
export const meterKeys = map(METER, {
  header: { decoder: headerName, description: 'A header of the answer that holds the number of units.' },
  json: { decoder: pointer, description: 'A member of the answer that holds it (RFC 6901).' },
});

const meter: Decoder<MeterSpec> = byKind<MeterSpec>(METER, {
  scalar: {
    ...word([...METERED_FAMILIES, 'auto', 'bytes', 'seconds', 'upstream']),
    decode(place, source): MeterSpec | undefined {
      const given = word([...METERED_FAMILIES, 'auto', 'bytes', 'seconds', 'upstream']).decode(place, source);
      if (given === undefined) return undefined;
      if (given === 'bytes' || given === 'seconds' || given === 'upstream') return { kind: given };
      return { kind: 'family', family: given };
    },
  },
  map: complete(meterKeys, ({ header, json }, place, source): MeterSpec | undefined => {
    if (header !== undefined && json === undefined) return { kind: 'header', name: header };
    if (json !== undefined && header === undefined) return { kind: 'json', pointer: json };
    source.report(place, 'a meter reads one place', 'header or json');
    return undefined;
  }),
});

const rateText = text({
  expects: 'a rate such as $2.50/1M, or a factor such as 1.1 for cost',
  bare: true,
  schema: { type: ['string', 'number'] },
  parse: (given): Parsed<string> => ({ ok: true, value: given }),
});

/** The keys of a metered price. */
export const meteredPriceKeys = map('the metered form {upTo, meter, rates}', {
  upTo: {
    decoder: ceiling,
    required: true,
    description: 'The maximum, which the buyer signs for. The charge is what was used.',
    examples: ['$0.50'],
  },
  meter: {
    decoder: meter,
    required: true,
    description:
      'What tells how much was used: `{header: X-Cost}`, `{json: /usage/credits}`, or [a name](metering.md#how-a-charge-is-made).',
    examples: ['openai', { header: 'X-Cost' }],
  },
  rates: {
    decoder: record(rateText, RATES, `^(?:${DIMENSIONS.join('|')})$`),
    description:
      'What each unit costs: `input`, `cachedInput`, `cacheWrite`, `output`, `unit`, `bytes`, `seconds`; `cost` is a factor on the cost that the answer states. Required, except for `upstream`.',
    examples: [{ input: '$2.50/1M', cachedInput: '$0.25/1M', output: '$10/1M' }],
  },
  min: { decoder: ceiling, description: 'The least that a charged call costs. Default: nothing.' },
  missing: {
    decoder: word(['min', 'max', 'nothing']),
    default: 'min',
    description: 'What an answer without usage costs: `min`, `max` (`upTo`) or `nothing`.',
  },
  cap: {
    decoder: flag,
    description:
      'Whether requests without a limit of output tokens [get one](metering.md#a-limit-of-output-tokens), so that the cost stays within `upTo`. Default: `false`.',
  },
});

/** A price of what was used. */
export const meteredPrice: Decoder<MeteredPrice> = complete(meteredPriceKeys, (given, place, source) => {
  const { upTo, meter: spec, rates = [], min, missing, cap = false } = given;
  const currency: RateCurrency = upTo.kind === 'usd' ? { kind: 'usd' } : { kind: 'token', symbol: upTo.symbol };
  const read = readRates(rates, spec, currency, place, source);
  const least = min === undefined ? '0' : leastOf(min, upTo, place, source);
  const mayCap = !cap || (spec.kind === 'family' && counts(spec, 'output') && read?.has('output') !== false);
  if (!mayCap)
    source.report(
      place,
      'cap limits output tokens, which this meter does not count or which cost nothing here',
      'no cap',
    );
  if (read === undefined || least === undefined || !mayCap) return undefined;
  const metering: Metering = { meter: spec, rates: read, min: least, missing, cap };
  return { kind: 'metered', upTo, metering, minPlace: place };
});

function leastOf(min: Ceiling, upTo: Ceiling, place: Place, source: Source): string | undefined {
  const same = min.kind === upTo.kind && (min.kind === 'usd' || upTo.kind === 'usd' || min.symbol === upTo.symbol);
  if (same) return min.decimal;
  source.report(place, 'min is in another currency than upTo', 'both in the same');
  return undefined;
}

/** The dimensions that a meter can count. */
function counts({ kind }: MeterSpec, dimension: Dimension): boolean {
  switch (kind) {
    case 'family':
      return dimension !== 'unit' && dimension !== 'bytes';
    case 'header':
    case 'json':
      return dimension === 'unit';
    case 'bytes':
      return dimension === 'bytes';
    case 'seconds':
      return dimension === 'seconds';
    case 'upstream':
      return false;
  }
}

function readRates(
  entries: readonly Entry<string>[],
  spec: MeterSpec,
  currency: RateCurrency,
  place: Place,
  source: Source,
): Rates | undefined {
  const rates = new Map<Dimension, Rate>();
  for (const entry of entries) {
    const read = readRate(entry, spec, currency, source);
    if (read !== undefined) rates.set(read.dimension, read.rate);
  }
  if (entries.length === 0 && spec.kind !== 'upstream') {
    source.report(place, 'nothing that is counted has a price', `rates: ${RATES}`);
    return undefined;
  }
  return rates.size === entries.length ? rates : undefined;
}

function readRate(
  { key, keyPlace, field }: Entry<string>,
  spec: MeterSpec,
  currency: RateCurrency,
  source: Source,
): { readonly dimension: Dimension; readonly rate: Rate } | undefined {
  const dimension = DIMENSIONS.find((known) => known === key);
  if (dimension === undefined || !counts(spec, dimension)) {
    const known = DIMENSIONS.filter((candidate) => counts(spec, candidate));
    const right = nearest(key, known) ?? (known.length === 0 ? 'no rates' : `one of ${known.join(', ')}`);
    source.report(keyPlace, `this meter does not count ${JSON.stringify(key)}`, right);
    return undefined;
  }
  if (field.kind !== 'value') return undefined;
  const rate = parseRate(field.value, dimension, currency);
  if (rate !== undefined) return { dimension, rate };
  const right = dimension === 'cost' ? 'a factor such as 1.1' : rightRate(currency);
  source.report(field.place, `${JSON.stringify(field.value)} is no rate`, right);
  return undefined;
}

function rightRate(currency: RateCurrency): string {
  return currency.kind === 'usd' ? 'a price for so many, such as $2.50/1M' : `such as 2.50 ${currency.symbol}/1M`;
}
