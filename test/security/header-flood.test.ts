import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, lastRequest, laySiege, type Siege, statusOf } from './siege.ts';

/** So many headers that a parser drops some: without an error, a different request would be forwarded. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
limits: { headerBytes: 262144 }
routes:
  - { path: /free, price: free }
  - { path: /paid, price: $0.001 }
`);
});
afterAll(() => siege.close());

/** Short enough to stay below the limit in bytes. */
function headers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `h${index}: v`);
}

describe('a request with very many headers', () => {
  it.each([
    257, 1_000, 3_000, 10_000,
  ])('is refused with 431 at %i headers, and does not reach the API', async (count) => {
    const before = siege.seen.length;
    for (const path of ['/free', '/paid', '/none']) {
      const answer = await siege.ask(lastRequest(`GET ${path}`, headers(count)));
      expect(statusOf(answer)).toBe(431);
      expect(codeOf(answer)).toBe('request_head_too_large');
    }
    expect(siege.seen.length).toBe(before);
  });

  it('reaches the API with all its headers at the limit', async () => {
    // Host and Connection count as well.
    expect(statusOf(await siege.ask(lastRequest('GET /free', headers(254))))).toBe(200);
    const names = siege.seen.at(-1)?.rawHeaders.filter((_, index) => index % 2 === 0) ?? [];
    expect(names).toEqual(expect.arrayContaining(headers(254).map((header) => header.split(':')[0])));
  });

  it('cannot hide a payment header behind the ones that are counted', async () => {
    const flood = [...headers(5_000), 'PAYMENT-SIGNATURE: x', 'PAYMENT-SIGNATURE: y'];
    expect(statusOf(await siege.ask(lastRequest('GET /paid', flood)))).toBe(431);
  });
});
