import { CHARGE_SUCCESS, type ChargeRule, parseStatusRange, type StatusRange } from '../domain/charge-rule.ts';
import type { DeferredBounds } from '../domain/plan.ts';
import { type Parsed, parsePrice } from '../domain/price.ts';
import type { KeepAnswers } from '../domain/route.ts';
import { byteSize } from './byte-size.ts';
import { complete, type Decoder, map, mapped } from './decoder.ts';
import { byKind, list, valuesOf } from './forms.ts';
import { text, word } from './text.ts';
import { jsonConditions } from './when-keys.ts';

/** A kept answer is written in one piece, next to the payment. */
const MAX_KEPT_BYTES = 4 * 1_024 * 1_024;
const KEEP_RIGHT = 'a map such as {size: 64KB}, or off';

/** How far deferred settlement runs ahead where the file does not say. */
export const DEFAULT_DEFERRED: DeferredBounds = {
  maxUnsettled: 1_000,
  maxUnsettledPerPayer: 10,
  money: { all: undefined, ofPayer: undefined },
};

/** Most answers on credit that can be counted. */
const MOST_ANSWERS = 1_000_000;
const BOUND_RIGHT = `a whole number from 1 to ${MOST_ANSWERS}, or an amount such as $1.50`;

/** A number of answers, or a sum of money. */
type Bound = { readonly kind: 'count'; readonly count: number } | { readonly kind: 'money'; readonly decimal: string };

const creditBound: Decoder<Bound> = text({
  expects: BOUND_RIGHT,
  pattern: '[1-9]\\d{0,6}|\\$(?:0|[1-9]\\d*)(?:\\.\\d+)?',
  schema: { type: ['string', 'integer'], minimum: 1, maximum: MOST_ANSWERS },
  bare: true,
  parse: (given): Parsed<Bound> => {
    const wrong = { ok: false, wrong: `${JSON.stringify(given)} is no bound`, right: BOUND_RIGHT } as const;
    if (!given.startsWith('$')) {
      const count = /^[1-9]\d{0,6}$/.test(given) ? Number(given) : 0;
      return count >= 1 && count <= MOST_ANSWERS ? { ok: true, value: { kind: 'count', count } } : wrong;
    }
    const price = parsePrice(given);
    return price.ok && price.value.kind === 'usd'
      ? { ok: true, value: { kind: 'money', decimal: price.value.decimal } }
      : wrong;
  },
});

/** When the money moves; used by the file and by each route. */
export const settleMode = word(['after', 'before', 'deferred']);

/** When a facilitator verifies; used by the file, by each route and by each price. */
export const verifyMode = word(['auto', 'always', 'alongside']);

const STATUS_RIGHT = 'a status from 200 to 499 such as 302, or 2xx, 3xx or 4xx';

const chargedStatus: Decoder<StatusRange> = text({
  expects: STATUS_RIGHT,
  pattern: '[234](?:xx|\\d\\d)',
  schema: { type: ['string', 'integer'] },
  bare: true,
  parse: (given): Parsed<StatusRange> => {
    const value = parseStatusRange(given);
    if (value !== undefined) return { ok: true, value };
    return { ok: false, wrong: `${JSON.stringify(given)} is no status that can be charged`, right: STATUS_RIGHT };
  },
});

const statuses = list(chargedStatus, 'a list such as [2xx, 302]', 1);

/** The keys of `charge` as a map. */
export const chargeKeys = map('a map with statuses or unlessJson', {
  statuses: {
    decoder: statuses,
    description: 'Statuses that are charged. Default: `[2xx]`.',
    examples: [['2xx', '302']],
  },
  unlessJson: {
    decoder: jsonConditions,
    description:
      'Values of the JSON answer by their pointer: where all hold, the call failed and is not charged. Only with `settle: after`. See [prices.md](prices.md#calls-that-failed-with-a-200).',
    examples: [{ '/error': 'present' }],
  },
});

/** Which answers are charged: a list of statuses, or a map. */
export const chargeRule: Decoder<ChargeRule> = byKind<ChargeRule>('a list such as [2xx, 302], or a map', {
  list: mapped(statuses, (listed): ChargeRule => ({ ...CHARGE_SUCCESS, statuses: valuesOf(listed) })),
  map: complete(chargeKeys, ({ statuses: listed, unlessJson = [] }, place, source): ChargeRule | undefined => {
    if (listed === undefined && unlessJson.length === 0) {
      source.report(place, 'it says nothing', 'statuses, unlessJson, or both');
      return undefined;
    }
    return { statuses: listed === undefined ? CHARGE_SUCCESS.statuses : valuesOf(listed), unlessJson };
  }),
});

/** Whether a purchase carries the buyer's own id; used by the file and by each route. */
export const identifierRule = word(['off', 'optional', 'required']);

const ENFORCE_RIGHT = 'off, or a share of clients such as 25%';

/** How many of a hundred clients are charged; used by the file and by each route. */
export const enforcement: Decoder<number> = text({
  expects: ENFORCE_RIGHT,
  pattern: 'off|(?:100|[1-9]?\\d)%',
  bare: true,
  parse: (given): Parsed<number> => {
    if (given === 'off') return { ok: true, value: 0 };
    const share = /^(100|[1-9]?\d)%$/.exec(given)?.[1];
    if (share !== undefined) return { ok: true, value: Number(share) };
    const wrong = given === '' ? 'this is empty' : `${JSON.stringify(given)} is not a share of clients`;
    return { ok: false, wrong, right: ENFORCE_RIGHT };
  },
});

/** The keys of `deferred`. */
export const deferredKeys = map('a map with maxUnsettled or maxUnsettledPerPayer', {
  maxUnsettled: {
    decoder: creditBound,
    description:
      'Most answers that are out and not paid yet, over all payers and processes: a number, or a sum (`$1.50`, for each asset). Default: 1000.',
  },
  maxUnsettledPerPayer: {
    decoder: creditBound,
    description: 'The same for one payer. Default: 10.',
  },
});

/** How far deferred settlement may run ahead of the money. */
export const deferredBounds: Decoder<DeferredBounds> = complete(
  deferredKeys,
  ({ maxUnsettled: all, maxUnsettledPerPayer: ofPayer }): DeferredBounds => ({
    maxUnsettled: countOf(all, DEFAULT_DEFERRED.maxUnsettled),
    maxUnsettledPerPayer: countOf(ofPayer, DEFAULT_DEFERRED.maxUnsettledPerPayer),
    money: { all: moneyOf(all), ofPayer: moneyOf(ofPayer) },
  }),
);

/** A bound in money counts no answers. */
function countOf(bound: Bound | undefined, otherwise: number): number {
  if (bound === undefined) return otherwise;
  return bound.kind === 'count' ? bound.count : MOST_ANSWERS;
}

function moneyOf(bound: Bound | undefined): string | undefined {
  return bound?.kind === 'money' ? bound.decimal : undefined;
}

/** The keys of `keepAnswers`. */
export const keepAnswersKeys = map(KEEP_RIGHT, {
  size: {
    decoder: byteSize(MAX_KEPT_BYTES),
    required: true,
    description: 'Largest body that is kept, up to 4MB. A larger answer is delivered, and lost with its connection.',
    examples: ['64KB', '1MB', 65_536],
  },
});

/** Which answers are kept for buyers whose connection dropped, or `off`; used by the file and by each route. */
export const keepAnswers: Decoder<KeepAnswers | 'off'> = byKind<KeepAnswers | 'off'>(KEEP_RIGHT, {
  scalar: text({
    expects: KEEP_RIGHT,
    pattern: 'off',
    bare: true,
    parse: (given): Parsed<'off'> =>
      given === 'off' ? { ok: true, value: 'off' } : { ok: false, wrong: keepWrong(given), right: KEEP_RIGHT },
  }),
  map: complete(keepAnswersKeys, ({ size }): KeepAnswers => ({ maxBytes: size })),
});

function keepWrong(given: string): string {
  return given === '' ? 'this is empty' : `${JSON.stringify(given)} does not say how large a kept answer may be`;
}
