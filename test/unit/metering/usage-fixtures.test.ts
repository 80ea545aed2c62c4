import { describe, expect, it } from 'vitest';
import type { Amount } from '../../../src/domain/amount.ts';
import { formatDecimal } from '../../../src/domain/decimal.ts';
import { parseRate, type Rates } from '../../../src/domain/rate.ts';
import { computeCharge } from '../../../src/metering/charge.ts';
import { family, meterAnswer } from '../../support/metering/meter-answer.ts';
import { type OracleRate, oracleCharge } from '../../support/metering/oracle.ts';
import { USAGE_FIXTURES } from '../../support/metering/usage-fixtures.ts';

/* The charge comes from an oracle that knows nothing of the code. */

const ORACLE: Readonly<Record<string, OracleRate>> = {
  input: ['2.5', '1000000'],
  cachedInput: ['0.25', '1000000'],
  output: ['10', '1000000'],
  seconds: ['0.006', '60'],
};
const BY_COST: Readonly<Record<string, OracleRate>> = { cost: ['1.1', '1'] };

describe.each(USAGE_FIXTURES)('$name', ({ meter, answer, figures, model, tail }) => {
  const { metered, forwarded, held } = meterAnswer(meter, answer);

  it('reports the usage, for the charge that an oracle computes', () => {
    if (metered.kind !== 'used') throw new Error(`it is ${metered.kind}`);
    expect(metered.model).toBe(model);
    const told = [...metered.figures].filter(([, count]) => count.digits !== 0n);
    const expected = Object.entries(figures).filter(([, count]) => count !== '0');
    expect(Object.fromEntries(told.map(([dimension, count]) => [dimension, formatDecimal(count)]))).toEqual(
      Object.fromEntries(expected),
    );
    const bounds = { min: 0n as Amount, max: 500_000n as Amount, decimals: 6 };
    const table = figures['cost'] === undefined ? ORACLE : BY_COST;
    expect(computeCharge(metered.figures, ratesOf(table), bounds)).toBe(oracleCharge(figures, table, bounds));
  });

  it('goes on as it came, its end last', () => {
    expect(Buffer.concat([forwarded, held]).toString()).toBe(answer.body);
    if (tail !== undefined) expect(held.toString()).toBe(tail);
  });
});

describe('A response that fails', () => {
  it('costs nothing, whatever usage it reports', () => {
    const response = { model: 'm', error: { code: 'server_error' }, usage: { input_tokens: 9, output_tokens: 4 } };
    const body = `event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', response })}\n\n`;
    const answer = { path: '/v1/responses', contentType: 'text/event-stream', body };
    expect(meterAnswer(family('openai'), answer).metered).toEqual({ kind: 'failed' });
  });
});

function ratesOf(table: Readonly<Record<string, OracleRate>>): Rates {
  return new Map(
    Object.entries(table).map(([dimension, [price, per]]) => {
      const name = dimension as 'input' | 'cachedInput' | 'output' | 'seconds' | 'cost';
      const rate = parseRate(name === 'cost' ? price : `$${price}/${per}`, name, { kind: 'usd' });
      if (rate === undefined) throw new Error(`no rate for ${dimension}`);
      return [name, rate];
    }),
  );
}
