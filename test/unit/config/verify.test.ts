import { describe, expect, it } from 'vitest';
import { describeRoutes } from '../../../src/config/describe.ts';
import { differenceOf, renderChange } from '../../../src/config/difference.ts';
import { sumOf } from '../../../src/domain/price-sum.ts';
import { HEAD, paidPriceOf, planOf, problemsOf, route } from '../../support/config/load.ts';

/** Says when a facilitator verifies the payments of a route. */
function verifyOf(text: string): string | undefined {
  return paidPriceOf(planOf(text).routes[0]).verify;
}

describe('verify', () => {
  it('has the value of the route, or else of the file', () => {
    expect(verifyOf(route('price: $1'))).toBeUndefined();
    expect(verifyOf(`verify: always\n${route('price: $1')}`)).toBe('always');
    expect(verifyOf(`verify: always\n${route('price: $1\nverify: auto')}`)).toBeUndefined();
    expect(verifyOf(route('price: $1\nverify: always'))).toBe('always');
  });

  it('has the value of one of several prices, or else of their route', () => {
    const prices = ['{ when: { method: GET }, price: $1, verify: auto }', '{ price: $2 }'];
    const text = `${HEAD}routes:\n  - path: /a\n    verify: always\n    prices:\n${prices.map((price) => `      - ${price}\n`).join('')}`;
    const [first, second] = planOf(text).routes[0]?.prices ?? [];
    expect([first, second].map((price) => price?.kind === 'priced' && price.verify)).toEqual([undefined, 'always']);
  });

  it('has no effect on a free route, and is refused there', () => {
    expect(problemsOf(route('price: free\nverify: always'))).toEqual([
      expect.stringContaining('verify has no effect on a free route'),
    ]);
  });

  it('alongside in the file applies to prices that are settled after the answer', () => {
    expect(verifyOf(`verify: alongside\n${route('price: $1')}`)).toBe('alongside');
    expect(verifyOf(`verify: alongside\n${route('price: $1\nsettle: before')}`)).toBeUndefined();
    expect(verifyOf(`verify: alongside\nsettle: deferred\n${route('price: $1')}`)).toBeUndefined();
  });

  it.each([
    ['settle: before', 'settle: before has another order'],
    ['settle: deferred', 'settle: deferred has another order'],
    ['methods: [POST, PUT]', 'for GET and HEAD'],
    ['charge: { unlessJson: { /error: present } }', 'the answer is read before it is charged'],
  ])('alongside on a route with %s is refused', (keys, wrong) => {
    expect(problemsOf(route(`price: $1\nverify: alongside\n${keys}`))).toEqual([expect.stringContaining(wrong)]);
  });

  it('alongside is refused with `foreignTransfers: serve`', () => {
    expect(problemsOf(`foreignTransfers: serve\nverify: alongside\n${route('price: $1')}`)).toEqual([
      expect.stringContaining('verified before its call'),
    ]);
  });

  it('alongside is refused for calls of MCP', () => {
    expect(problemsOf(route('mcp: { tools: { search: $0.01 } }\nverify: alongside'))).toEqual([
      expect.stringContaining('a call of MCP is charged by its answer'),
    ]);
  });

  it('has no other value', () => {
    expect(problemsOf(`verify: never\n${route('price: $1')}`)).toHaveLength(1);
  });

  it('applies to a batch when it applies to one of its calls', () => {
    const [plain, strict] = ['price: $1', 'price: $1\nverify: always'].map((keys) => {
      const price = paidPriceOf(planOf(route(keys)).routes[0]);
      return { price, count: 1 };
    });
    if (plain === undefined || strict === undefined) throw new Error('there are two prices');
    expect(sumOf('a', [plain, plain]).verify).toBeUndefined();
    expect(sumOf('a', [plain, strict]).verify).toBe('always');
  });

  it('is shown, and a reload reports its change', () => {
    const [before, after] = [planOf(route('price: $1')), planOf(route('price: $1\nverify: always'))];
    expect(describeRoutes(before)[0]?.verify).toBeUndefined();
    expect(describeRoutes(after)[0]?.verify).toBe('always');
    expect(differenceOf(before, after).map(renderChange)).toEqual([expect.stringContaining('verify')]);
  });
});
