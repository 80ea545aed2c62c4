import type { AnswerEnd } from './answer-end.ts';
import { formatDecimal, type parseDecimal } from './decimal.ts';
import type { MissingReason } from './metered-price.ts';
import { DIMENSIONS, type Dimension, type Figures } from './rate.ts';
import type { Json, JsonObject } from './x402.ts';

/** The usage that a charge was computed from: the only proof of the charge once the answer is gone. */
export interface Usage {
  /** The source of the figures, by its name in the price table: `openai`, `header`. */
  readonly meter: string;
  /** The model that answered, as the answer names it. */
  readonly model: string | undefined;
  /** What was counted, or guessed; empty where nothing was. */
  readonly figures: Figures;
  /** The charge that the API itself stated, as it wrote it. */
  readonly stated: string | undefined;
  /** Why the answer does not tell what was used. */
  readonly missing: MissingReason | undefined;
  /** Whether figures are guessed from what went out, because the answer did not come to its end. */
  readonly guessed: boolean;
  readonly end: AnswerEnd;
  /** The rates in force, as the price table writes them. */
  readonly rates: ReadonlyMap<Dimension, string>;
  /** The least charge in force, in whole units of the currency. */
  readonly min: string;
}

/** Usage as JSON shows it and the ledger keeps it: figures as decimal text. */
export type UsageJson = ReturnType<typeof describeUsage>;

/** Describes usage, `null` for what is not there. */
export function describeUsage({ meter, model, figures, stated, missing, guessed, end, rates, min }: Usage) {
  return {
    meter,
    model: model ?? null,
    figures: Object.fromEntries([...figures].map(([dimension, count]) => [dimension, formatDecimal(count)])),
    stated: stated ?? null,
    missing: missing ?? null,
    guessed,
    end,
    rates: Object.fromEntries(rates),
    min,
  };
}

/** Writes usage as JSON. */
export function encodeUsage(usage: Usage): string {
  return JSON.stringify(describeUsage(usage));
}

/**
 * Reads what {@link encodeUsage} wrote, from our own ledger only. What another version wrote in another way is left out.
 *
 * @returns `undefined` for what is no usage at all
 */
export function decodeUsage(text: string): Usage | undefined {
  const json: Json = JSON.parse(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const read = json as JsonObject;
  const { meter, model, stated, missing, guessed, end, min } = read;
  if (typeof meter !== 'string') return undefined;
  return {
    meter,
    model: typeof model === 'string' ? model : undefined,
    figures: new Map(entriesOf(read['figures']).flatMap(([key, value]) => figureOf(key, value))),
    stated: typeof stated === 'string' ? stated : undefined,
    missing: typeof missing === 'string' ? (missing as MissingReason) : undefined,
    guessed: guessed === true,
    end: typeof end === 'string' ? (end as AnswerEnd) : 'complete',
    rates: new Map(entriesOf(read['rates']).filter(([key]) => isDimension(key)) as [Dimension, string][]),
    min: typeof min === 'string' ? min : '0',
  };
}

function entriesOf(json: Json | undefined): readonly (readonly [string, string])[] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return [];
  return Object.entries(json).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : []));
}

function figureOf(key: string, text: string): [Dimension, NonNullable<ReturnType<typeof parseDecimal>>][] {
  const count = parseFigure(text);
  return isDimension(key) && count !== undefined ? [[key, count]] : [];
}

/** A figure of any length: sums of figures grow beyond what one answer may tell. */
function parseFigure(text: string): ReturnType<typeof parseDecimal> {
  const [whole = '', fraction = ''] = text.split('.');
  return /^\d+(\.\d+)?$/.test(text) ? { digits: BigInt(whole + fraction), scale: fraction.length } : undefined;
}

function isDimension(text: string): text is Dimension {
  return (DIMENSIONS as readonly string[]).includes(text);
}
