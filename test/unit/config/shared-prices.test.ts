import { describe, expect, it } from 'vitest';
import { paidPriceOf, planOf, problemsOf, route } from '../../support/config/load.ts';

const ELSEWHERE = '0x00000000000000000000000000000000000000Aa';

/** A file with the first route of the other tests, and one more for each of these keys. */
function table(...routes: readonly string[]): string {
  const more = routes.map((keys, at) => `  - { path: /more/${at}, ${keys} }\n`).join('');
  return route('price: $0.01') + more;
}

function pricesOf(text: string) {
  return planOf(text).routes.map(paidPriceOf);
}

describe('routes of one price', () => {
  it('share its offers where they inherit everything else', () => {
    const [first, second, dearer] = pricesOf(table('price: $0.01', 'price: $0.02'));
    expect(second?.offers).toBe(first?.offers);
    expect(dearer).toMatchObject({ text: '$0.02', offers: [{ amount: 20_000n }] });
  });

  it('have their own offers with another payee, another network or another lifetime', () => {
    const keys = [`payTo: "${ELSEWHERE.toLowerCase()}"`, 'accepts: [polygon]', 'timeout: 10m', 'settle: before'];
    const [first, ...others] = pricesOf(table(...keys.map((key) => `price: $0.01, ${key}`)));
    for (const price of others) expect(price.offers).not.toBe(first?.offers);
    expect(others).toMatchObject([
      { offers: [{ payTo: ELSEWHERE.toLowerCase() }] },
      { offers: [{ network: 'eip155:137' }] },
      { offers: [{ maxTimeoutSeconds: 630 }] },
      { offers: [{ maxTimeoutSeconds: 300 }] },
    ]);
  });

  it('each report what is wrong with it', () => {
    const problems = problemsOf(table('price: $0.0000001', 'price: $0.0000001'));
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain('routes[1].price');
    expect(problems[1]).toContain('routes[2].price');
  });
});
