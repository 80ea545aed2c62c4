import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Amount, parseAmount } from '../../src/domain/amount.ts';
import { parseDecimal } from '../../src/domain/decimal.ts';
import type { Metered } from '../../src/domain/metered-price.ts';
import { DIMENSIONS, type Dimension, parseRate, type Rates } from '../../src/domain/rate.ts';
import { computeCharge } from '../../src/metering/charge.ts';
import { DIALECT_SAMPLES } from '../support/metering/answers.ts';
import { meterAnswer } from '../support/metering/meter-answer.ts';
import { type OracleRate, oracleCharge } from '../support/metering/oracle.ts';
import { USAGE_FIXTURES } from '../support/metering/usage-fixtures.ts';

const SAMPLES = [...DIALECT_SAMPLES, ...USAGE_FIXTURES];

const RATES: Readonly<Record<string, OracleRate>> = {
  input: ['2.5', '1000000'],
  cachedInput: ['0.25', '1000000'],
  output: ['10', '1000000'],
  cost: ['1.1', '1'],
  unit: ['0.0001', '1'],
  seconds: ['0.0003', '7'],
};

describe('A charge', () => {
  it.each(SAMPLES)('of $name is that of the oracle', ({ meter, answer, figures }) => {
    const bounds = { min: amount('0'), max: amount('500000'), decimals: 6 };
    expect(charge(meterAnswer(meter, answer).metered, rates(RATES), bounds)).toBe(oracleCharge(figures, RATES, bounds));
  });

  it('of any figures at any rates is that of the oracle', () => {
    const decimal = fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: 0, max: 12 }))
      .map(([digits, places]) => pointed(digits, places));
    const per = fc.constantFrom('1', '3', '7', '1000', '1000000', '1000000000');
    const figures = fc.dictionary(fc.constantFrom(...DIMENSIONS), decimal);
    const oracleRates = fc.dictionary(fc.constantFrom(...DIMENSIONS), fc.tuple(decimal, per));
    fc.assert(
      fc.property(figures, oracleRates, fc.integer({ min: 0, max: 18 }), (used, table, decimals) => {
        const bounds = { min: amount('0'), max: amount(`1${'0'.repeat(60)}`), decimals };
        const counts = new Map(DIMENSIONS.flatMap((dimension) => entry(dimension, used[dimension])));
        // A factor on a cost has no number of units.
        const fair = { ...table, ...(table['cost'] === undefined ? {} : { cost: [table['cost'][0], '1'] as const }) };
        expect(computeCharge(counts, rates(fair), bounds)).toBe(oracleCharge(used, fair, bounds));
      }),
    );
  });

  it('never leaves its bounds, and the maximum wins', () => {
    const bounds = fc.record({ min: fc.bigInt({ min: 0n, max: 99n }), max: fc.bigInt({ min: 1n, max: 99n }) });
    fc.assert(
      fc.property(fc.nat({ max: 200 }), bounds, (units, { min, max }) => {
        const table = rates({ unit: ['1', '1'] });
        const counts = new Map(entry('unit', String(units)));
        const made = computeCharge(counts, table, { min: amount(`${min}`), max: amount(`${max}`), decimals: 0 });
        expect(made).toBeLessThanOrEqual(max);
        expect(made).toBeGreaterThanOrEqual(min < max ? min : max);
      }),
    );
  });
});

describe('Any split of a body into chunks', () => {
  it.each(SAMPLES)('reports the same usage of $name, and gives the buyer the same bytes', ({ meter, answer }) => {
    const body = Buffer.from(answer.body);
    const whole = meterAnswer(meter, answer);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: body.length })), (cuts) => {
        const split = meterAnswer(meter, answer, cuts);
        expect(split.metered).toEqual(whole.metered);
        expect(Buffer.concat([split.forwarded, split.held])).toEqual(body);
      }),
    );
  });

  it.each(SAMPLES.filter(({ tail }) => tail !== undefined))('holds back the end of $name', (sample) => {
    const body = Buffer.from(sample.answer.body);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: body.length })), (cuts) => {
        expect(meterAnswer(sample.meter, sample.answer, cuts).held.toString()).toBe(sample.tail);
      }),
    );
  });

  it.each(SAMPLES)('into single bytes reports the same usage of $name', ({ meter, answer }) => {
    const cuts = [...Buffer.from(answer.body).keys()];
    expect(meterAnswer(meter, answer, cuts).metered).toEqual(meterAnswer(meter, answer).metered);
  });
});

function rates(table: Readonly<Record<string, OracleRate>>): Rates {
  return new Map(
    DIMENSIONS.flatMap((dimension) => {
      const row = table[dimension];
      if (row === undefined) return [];
      const text = dimension === 'cost' ? row[0] : `$${row[0]}/${row[1]}`;
      const rate = parseRate(text, dimension, { kind: 'usd' });
      if (rate === undefined) throw new Error(`${text} is no rate`);
      return [[dimension, rate] as const];
    }),
  );
}

function entry(dimension: Dimension, text: string | undefined) {
  const decimal = text === undefined ? undefined : parseDecimal(text);
  return decimal === undefined ? [] : [[dimension, decimal] as const];
}

function charge(metered: Metered, table: Rates, bounds: Parameters<typeof computeCharge>[2]): Amount {
  if (metered.kind !== 'used') throw new Error('nothing was told');
  return computeCharge(metered.figures, table, bounds);
}

function pointed(digits: bigint, places: number): string {
  const text = digits.toString().padStart(places + 1, '0');
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
}

function amount(text: string): Amount {
  const parsed = parseAmount(text);
  if (parsed === undefined) throw new Error(`${text} is no amount`);
  return parsed;
}
