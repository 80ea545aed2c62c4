import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssetNames } from '../../../src/admin/asset-names.ts';
import { transactionUrl } from '../../../src/admin/explorer.ts';
import { funnelOf } from '../../../src/admin/funnel.ts';
import { readPaymentPage } from '../../../src/admin/payment-list.ts';
import { describeRevenue, earningsBy, moneyOf } from '../../../src/admin/revenue.ts';
import { addUpAssets } from '../../../src/admin/totals.ts';
import { readAssetTable } from '../../../src/config/asset-table.ts';
import type { Network } from '../../../src/domain/network.ts';
import { families } from '../../../src/registry.ts';
import type { BookPlace, BookTotal } from '../../../src/store/books.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import { NOW } from '../../contract/ledger-scene.ts';
import { putPayment, USDC } from '../../support/admin.ts';
import { HEAD, planOf } from '../../support/config/load.ts';

const table = readAssetTable();
const names = new AssetNames({ routes: [] }, table, families);
const SEPOLIA = 'eip155:84532' as Network;
const BASE = 'eip155:8453' as Network;
const BASE_USDC = table.find('base')?.assets[0]?.address ?? '';
const HASH = `0x${'ab'.repeat(32)}`;

function line(more: Partial<BookTotal>): BookTotal {
  return { day: '2027-01-15', route: 'a', network: SEPOLIA, asset: USDC, settled: 1, amount: 1n, open: 0, ...more };
}

describe('revenue', () => {
  it('is exact where floats are not, and one sum for a token on two networks', () => {
    const lines = [
      line({ amount: 9_007_199_254_740_993_000_001n, settled: 3 }),
      line({ network: BASE, asset: BASE_USDC, amount: 2n, open: 1 }),
    ];
    expect(moneyOf(lines, names)).toEqual([{ symbol: 'USDC', amount: '9007199254740993.000003', settled: 4, open: 1 }]);
  });

  it('keeps an unknown token apart, in atomic units', () => {
    const odd = line({ asset: `0x${'ee'.repeat(20)}`, amount: 77n });
    expect(moneyOf([odd, line({ settled: 5 })], names)).toEqual([
      { symbol: 'USDC', amount: '0.000001', settled: 5, open: 0 },
      { symbol: null, amount: '77', settled: 1, open: 0 },
    ]);
  });

  it('counts all prices of a route as the route', () => {
    const lines = [line({ route: 'a#1' }), line({ route: 'a#2' }), line({ route: 'b', settled: 9 })];
    expect(describeRevenue(lines, [], [], names).byRoute.map(({ name, money }) => [name, money[0]?.settled])).toEqual([
      ['b', 9],
      ['a', 2],
    ]);
  });

  it('has the same sum however it is grouped', () => {
    const any = fc.record({
      route: fc.constantFrom('a', 'b#1', '__proto__'),
      network: fc.constantFrom(SEPOLIA, BASE),
      settled: fc.nat(1000),
      amount: fc.bigInt({ min: 0n, max: 1n << 200n }),
      open: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(any), (given) => {
        const lines = given.map((each) => line({ ...each, asset: each.network === BASE ? BASE_USDC : USDC }));
        const whole = addUpAssets(lines, names).reduce((sum, { amount }) => sum + amount, 0n);
        for (const nameOf of [({ route }: BookTotal) => route, ({ network }: BookTotal) => network]) {
          const parts = earningsBy(lines, names, nameOf).flatMap(({ money }) => money);
          const sum = parts.reduce((total, { amount }) => total + atomic(amount), 0n);
          expect(sum).toBe(whole);
        }
      }),
    );
  });
});

describe('a page of payments', () => {
  it('finds every payment of a rare kind over successive pages, whatever the step size and the page size', async () => {
    const store = openMemoryLedger(() => NOW);
    const states = ['delivered', 'delivered', 'failed', 'delivered', 'failed', 'failed', 'delivered'] as const;
    for (const [index, state] of states.entries()) {
      // Several within one millisecond.
      await putPayment(store, { name: `p${index}`, claimedAt: NOW + Math.floor(index / 3) }, 'settling', state);
    }
    for (const [steps, limit] of [
      [1, 1],
      [2, 2],
      [3, 1],
      [100, 2],
      [100, 50],
    ] as const) {
      const found: string[] = [];
      let after: BookPlace | undefined;
      do {
        const page = await readPaymentPage(store, { states: ['failed'] }, after, limit, steps);
        found.push(...page.records.map(({ key }) => key.slice(key.lastIndexOf('|') + 1)));
        after = page.next;
      } while (after !== undefined);
      expect(found, `${steps} ${limit}`).toEqual(['p5', 'p4', 'p2']);
    }
  });
});

describe('the funnel', () => {
  it('follows requests of priced routes from the first request to the delivery', () => {
    const requests = (outcome: string, code: string, value: number, route = 'a') => {
      return { labels: { route, outcome, code }, value };
    };
    const series = [
      {
        name: 'turnpike_requests_total',
        values: [
          requests('refused', 'payment_required', 10),
          requests('refused', 'payment_invalid', 2),
          requests('paid', 'none', 5),
          requests('kept', 'none', 1),
          requests('pass', 'none', 7),
          requests('failed', 'upstream_unreachable', 1),
          requests('key', 'none', 3),
          requests('free_quota', 'none', 2),
          requests('shadow', 'none', 4),
          requests('free', 'none', 99),
          requests('unpaid', 'route_not_found', 99, 'unmatched'),
        ],
      },
      { name: 'turnpike_payments_total', values: [{ labels: { route: 'a#2', outcome: 'settled' }, value: 6 }] },
    ];
    expect(funnelOf(series)).toEqual([
      { route: 'a', asked: 35, priced: 10, paid: 6, delivered: 6, passes: 7, free: 9, refused: 3 },
    ]);
  });
});

describe('the link to a transaction', () => {
  const plan = planOf(`${HEAD}routes:\n  - { path: /a, price: free }\n`);

  it("leads to the network's explorer", () => {
    const of = { network: SEPOLIA, transaction: HASH };
    expect(transactionUrl(plan, { table, families }, of)).toBe(`https://sepolia.basescan.org/tx/${HASH}`);
  });

  it.each(['javascript:alert(1)', '0x12/../../evil', '"><script>', ''])('is not made of %j', (transaction) => {
    expect(transactionUrl(plan, { table, families }, { network: SEPOLIA, transaction })).toBeUndefined();
  });
});

/** Whole units of a token with six decimals in atomic ones. */
function atomic(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(6, '0'));
}
