import { describe, expect, it } from 'vitest';
import { describeRoutes, passText } from '../../../src/config/describe.ts';
import type { PaidPrice } from '../../../src/domain/route-price.ts';
import { HEAD, paidPriceOf, planOf, problemsOf, route } from '../../support/config/load.ts';

const METERED = 'price: {upTo: $0.10, meter: openai, rates: {input: $2.50/1M}}';

function only(text: string): PaidPrice {
  const [first] = planOf(text).routes;
  if (first === undefined) throw new Error('the file has no route');
  return paidPriceOf(first);
}

/** Two routes of one file. */
function two(one: string, other: string): string {
  return `${HEAD}routes:\n  - { path: /one, ${one} }\n  - { path: /two, ${other} }\n`;
}

describe('access with a balance', () => {
  it('is bought by an exact payment of it, before its calls, whatever the file says of other routes', () => {
    const price = only(`settle: deferred\n${route(`${METERED}\naccess: {balance: $1}`)}`);
    expect(price.settle).toBe('before');
    expect(price.offers).toMatchObject([
      {
        scheme: 'exact',
        amount: 1_000_000n,
        access: {
          forMs: undefined,
          requests: undefined,
          balance: { amount: '1000000', upTo: '100000', symbol: 'USDC' },
        },
      },
    ]);
    expect(price.access?.terms.scope).toBe(`balance:route:${price.id}`);
    expect(price.access?.terms.opens).toEqual([price.access?.balanceFingerprint]);
    expect(price.text).toBe('up to $0.10, of a balance of $1');
  });

  it('may be in a token, as its price is', () => {
    const text = route(
      'price: {upTo: 0.5 USDC, meter: bytes, rates: {bytes: 0.01 USDC/1M}}\naccess: {balance: 2 USDC}',
    );
    expect(only(text).offers).toMatchObject([{ amount: 2_000_000n }]);
  });

  it('is separate for each asset that it is bought in', () => {
    const accepts = 'accepts: [base-sepolia, {network: polygon}]';
    const { offers } = only(route(`${METERED}\n${accepts}\naccess: {balance: $1}`));
    expect(offers.map(({ access }) => access?.balance?.network)).toEqual(['eip155:84532', 'eip155:137']);
    expect(new Set(offers.map(({ access }) => access?.version)).size).toBe(2);
  });

  it('stays the same balance when its price, or the price of its calls, rises', () => {
    const versionOf = (text: string): string | undefined => only(route(text)).access?.terms.version;
    const before = versionOf(`${METERED}\naccess: {balance: $1}`);
    expect(versionOf(`${METERED}\naccess: {balance: $2}`)).toBe(before);
    expect(versionOf(`${METERED.replace('0.10', '0.20')}\naccess: {balance: $1}`)).toBe(before);
    expect(versionOf(`${METERED}\naccess: {balance: $1, scope: other}`)).not.toBe(before);
  });

  it('is shared by routes of a group at different rates, which sell the same balance', () => {
    const other = 'price: {upTo: $0.50, meter: bytes, rates: {bytes: $1/1M}}';
    const shared = (balance: string): string =>
      two(`${METERED}, access: {balance: $1, scope: ai}`, `${other}, access: {balance: ${balance}, scope: ai}`);
    const terms = planOf(shared('$1')).routes.map((each) => paidPriceOf(each).access?.terms);
    expect(terms[0]?.version).toBe(terms[1]?.version);
    expect(terms[0]?.scope).toBe('balance:group:ai');
    expect(problemsOf(shared('$2')).join('\n')).toContain('differs from that of');
    const mixed = two(`${METERED}, access: {balance: $1, scope: ai}`, 'price: $1, access: {for: 1h, scope: ai}');
    expect(problemsOf(mixed).join('\n')).toContain('differs from that of');
  });

  it.each([
    ['a fixed price', 'price: $0.001\naccess: {balance: $1}', 'drawn down by what calls used'],
    ['a free route', 'price: free\naccess: {balance: $1}', 'no effect on a free route'],
    ['a time', `${METERED}\naccess: {balance: $1, for: 1h}`, 'ends when it is used up'],
    ['a number of requests', `${METERED}\naccess: {balance: $1, requests: 5}`, 'ends when it is used up'],
    ['another currency', `${METERED}\naccess: {balance: 1 USDC}`, 'another currency'],
    ['less than one call may cost', `${METERED}\naccess: {balance: $0.05}`, 'smaller than what one call may cost'],
    ['settle', `${METERED}\nsettle: after\naccess: {balance: $1}`, 'settle has no effect'],
    ['nothing to spend', `${METERED}\naccess: {balance: free}`, 'no maximum'],
    ['more than one can hold', `${METERED}\naccess: {balance: $100000000}`, 'larger than one can be'],
    ['a price below a unit', `${METERED}\naccess: {balance: $1.0000001}`, 'digits after the point'],
    [
      'a maximum below a unit',
      'price: {upTo: $0.0000001, meter: bytes, rates: {bytes: $1/1M}}\naccess: {balance: $1}',
      'digits after the point',
    ],
    [
      'a least charge above the maximum',
      'price: {upTo: $0.1, meter: bytes, rates: {bytes: $1/1M}, min: $0.2}\naccess: {balance: $1}',
      'min is above upTo',
    ],
    ['a misspelt key', `${METERED}\naccess: {ballance: $1}`, 'ballance'],
  ])('is refused with %s', (_, text, problem) => {
    expect(problemsOf(route(text)).join('\n')).toContain(problem);
  });

  it('is shown with the price of calls and the amount bought', () => {
    const [described] = describeRoutes(planOf(route(`${METERED}\naccess: {balance: $1}`)));
    expect(described?.price).toBe('up to 0.1 USDC, of a balance of 1 USDC');
    expect(described?.access && passText(described.access)).toMatch(/^a balance of 1 USDC for route:/);
  });
});
