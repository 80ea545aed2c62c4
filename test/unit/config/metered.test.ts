import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { offersOf, problemsOf, route, warningsOf } from '../../support/config/load.ts';

const RATES = 'rates: {input: $2.50/1M, output: $10/1M}';

describe('A metered price', () => {
  it('is offered as a maximum through Permit2, whatever the transfer method of the asset', () => {
    const [offer] = offersOf(route(`price: {upTo: $0.50, meter: openai, ${RATES}}`));
    expect(offer).toMatchObject({ scheme: 'upto', amount: 500_000n, v1Network: undefined });
    expect(offer?.requirements.extra).toEqual({ name: 'USD Coin', version: '2', assetTransferMethod: 'permit2' });
  });

  it('may be in a token', () => {
    const text = route('price: {upTo: 0.5 USDC, meter: bytes, rates: {bytes: 0.01 USDC/1M}, min: 0.001 USDC}');
    expect(offersOf(text)).toMatchObject([{ scheme: 'upto', amount: 500_000n }]);
  });

  it.each([
    [
      'settle: before',
      `price: {upTo: $0.5, meter: openai, ${RATES}}\nsettle: before`,
      'before it is known what was used',
    ],
    ['a pass', `price: {upTo: $0.5, meter: openai, ${RATES}}\naccess: {for: 1h}`, 'sells no pass of a time'],
    ['an unknown meter', `price: {upTo: $0.5, meter: gpt, ${RATES}}`, '"gpt" is not known'],
    ['two places at once', 'price: {upTo: $0.5, meter: {header: X-A, json: /a}, rates: {unit: $1}}', 'reads one place'],
    [
      'a dimension that it does not count',
      'price: {upTo: $0.5, meter: bytes, rates: {input: $1}}',
      'does not count "input"',
    ],
    ['a misspelt dimension', 'price: {upTo: $0.5, meter: openai, rates: {imput: $1/1M}}', 'does not count "imput"'],
    ['a rate without currency', 'price: {upTo: $0.5, meter: openai, rates: {input: 2.5/1M}}', 'is no rate'],
    ['a rate in another currency', 'price: {upTo: $0.5, meter: openai, rates: {input: 2.5 USDC/1M}}', 'is no rate'],
    ['no rates', 'price: {upTo: $0.5, meter: openai}', 'nothing that is counted has a price'],
    ['a free maximum', `price: {upTo: free, meter: openai, ${RATES}}`, 'no maximum'],
    ['a least charge above the maximum', `price: {upTo: $0.5, meter: openai, ${RATES}, min: $1}`, 'min is above upTo'],
    [
      'a least charge below a unit',
      `price: {upTo: $0.5, meter: openai, ${RATES}, min: $0.0000001}`,
      'digits after the point',
    ],
    [
      'a least charge in another currency',
      `price: {upTo: $0.5, meter: openai, ${RATES}, min: 1 USDC}`,
      'another currency',
    ],
    [
      'a cap that limits nothing',
      'price: {upTo: $0.5, meter: bytes, rates: {bytes: $1/1M}, cap: true}',
      'does not count',
    ],
    ['a key that is misspelt', `price: {upTo: $0.5, meter: openai, ${RATES}, mising: max}`, 'mising'],
  ])('is refused with %s', (_, text, problem) => {
    expect(problemsOf(route(text)).join('\n')).toContain(problem);
  });

  it('above the limit of stock clients causes a warning', () => {
    const warned = (upTo: string): number =>
      warningsOf(route(`price: {upTo: ${upTo}, meter: openai, ${RATES}}`)).filter(({ wrong }) =>
        wrong.includes('stock clients'),
      ).length;
    expect([warned('$1'), warned('$1.00'), warned('$1.01'), warned('$5')]).toEqual([0, 0, 1, 1]);
  });

  it('is needed for the scheme upto', () => {
    const text = route('price: $0.5\naccepts: [{network: base, scheme: upto}]');
    expect(problemsOf(text)).toEqual([expect.stringContaining('no scheme upto')]);
  });
});

describe('docs/metering.md', () => {
  const page = readFileSync(new URL('../../../docs/metering.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```yaml\n(payTo:[\s\S]*?)```/g)].map(([, text = '']) => text);

  it('has three complete examples', () => {
    expect(examples).toHaveLength(3);
  });

  it.each(examples)('an example of it is sound: %#', (text) => {
    expect(problemsOf(`${text}\nstore: memory\n`)).toEqual([]);
  });
});
