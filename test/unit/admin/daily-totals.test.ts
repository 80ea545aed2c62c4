import { describe, expect, it } from 'vitest';
import { DailyTotals } from '../../../src/admin/daily-totals.ts';
import type { Network } from '../../../src/domain/network.ts';
import type { BookFilter, BookTotal } from '../../../src/store/books.ts';
import { DAY_MS, dayOf, dayText } from '../../../src/store/totals.ts';
import { NOW } from '../../contract/ledger-scene.ts';
import { USDC } from '../../support/admin.ts';

const TODAY = dayOf(NOW);
const network = 'eip155:84532' as Network;

/** Books with the revenue of each day in `amounts`; they record what was read. */
function bookOfDays(amounts = new Map<number, bigint>()) {
  const asked: string[] = [];
  return {
    asked,
    amounts,
    /** What the next reading fails with. */
    fault: undefined as Error | undefined,
    async summarize({ since = 0, until = Number.POSITIVE_INFINITY }: BookFilter): Promise<readonly BookTotal[]> {
      const [first, before] = [since / DAY_MS - TODAY, until / DAY_MS - TODAY];
      asked.push(`${first}..${before === Number.POSITIVE_INFINITY ? '' : before}`);
      if (this.fault !== undefined) throw this.fault;
      return Array.from({ length: 400 }, (_, index) => TODAY - 399 + index)
        .filter((day) => day - TODAY >= first && day - TODAY < before)
        .map((day) => {
          const amount = amounts.get(day) ?? 1n;
          return { day: dayText(day), route: 'a', network, asset: USDC, settled: 1, amount, open: 0 };
        });
    },
  };
}

function totalsOf(books: ReturnType<typeof bookOfDays>, clock = () => NOW) {
  return new DailyTotals((filter) => books.summarize(filter), clock);
}

describe('totals by day', () => {
  it('come one per day, oldest first, whatever was read before', async () => {
    const daily = totalsOf(bookOfDays());
    for (const days of [1, 2, 3, 30, 7, 366]) {
      const expected = Array.from({ length: days }, (_, index) => dayText(TODAY - days + 1 + index));
      expect((await daily.of(days)).map(({ day }) => day)).toEqual(expected);
    }
  });

  it('are read again for today and yesterday at each call, and only once for earlier days', async () => {
    const books = bookOfDays();
    const daily = totalsOf(books);
    await daily.of(30);
    await daily.of(30);
    await daily.of(1);
    expect(books.asked).toEqual(['-29..-1', '-1..', '-1..', '0..']);
  });

  it('are ready when they were read ahead, one day at a time', async () => {
    const books = bookOfDays();
    const daily = totalsOf(books);
    await daily.renew(4);
    expect(books.asked.splice(0)).toEqual(['-2..-1', '-3..-2']);
    expect(await daily.of(4)).toHaveLength(4);
    expect(books.asked).toEqual(['-1..']);
  });

  it('older than a minute are read again after the call that finds them, for the next call', async () => {
    let now = NOW;
    const books = bookOfDays();
    const daily = totalsOf(books, () => now);
    await daily.of(3);
    now += 60_000;
    books.amounts.set(TODAY - 2, 5n);
    books.asked.length = 0;
    const [old] = await daily.of(3);
    expect(old?.amount).toBe(1n);
    await daily.renew(3);
    expect(books.asked).toEqual(['-1..', '-2..-1']);
    expect((await daily.of(3))[0]?.amount).toBe(5n);
  });

  it('move on with the day', async () => {
    let now = NOW;
    const books = bookOfDays();
    const daily = totalsOf(books, () => now);
    await daily.of(3);
    now += DAY_MS;
    expect((await daily.of(3)).map(({ day }) => day)).toEqual([dayText(TODAY - 1), dayText(TODAY)]);
  });

  it('are read again after a failed read, and those already read are kept', async () => {
    let now = NOW;
    const books = bookOfDays();
    const daily = totalsOf(books, () => now);
    books.fault = new Error('the disk is gone');
    await expect(daily.of(3)).rejects.toThrow('the disk is gone');
    books.fault = undefined;
    expect(await daily.of(3)).toHaveLength(3);
    now += 60_000;
    books.fault = new Error('the disk is gone');
    await daily.renew(3);
    books.fault = undefined;
    expect(await daily.of(3)).toHaveLength(3);
  });
});
