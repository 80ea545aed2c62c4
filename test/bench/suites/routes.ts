import type { RateSuite } from '../suite.ts';

/** Whether a large price table costs more per request than a small one. */
export const routes: RateSuite = {
  kind: 'rates',
  title: '10 000 routes',
  unit: 'requests',
  async open(bench) {
    const large = await bench.gateway({ routes: table(10_000) });
    const small = await bench.gateway({ routes: table(10) });
    const path = '/v1/product-7/oslo/today';
    return {
      subject: bench.side('gateway, 10 000 routes', large + path),
      partners: [{ ...bench.side('gateway, 10 routes', small + path), target: 0.95 }],
    };
  },
};

/** A price table of so many free routes, as YAML. Literal segments, `:name` and `/*` in turn, as large APIs have them. */
export function table(size: number): string {
  const shapes = ['', '/:city', '/:city/today', '/*'];
  return Array.from(
    { length: size },
    (_, index) => `  - { path: "/v1/product-${index}${shapes[(index + 3) % shapes.length]}", price: free }\n`,
  ).join('');
}
