import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteLedger } from '../../../src/store/sqlite/sqlite-ledger.ts';
import type { Dimension } from '../scaling/dimension.ts';
import { fillLedger } from '../scaling/fill-ledger.ts';
import { renderMarkdown } from '../scaling/markdown.ts';
import { parseScalingOptions, scalingUsage } from '../scaling/options.ts';
import { spreadOf } from '../spread.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-filled-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KNOWN: Readonly<Record<string, Dimension>> = {
  routes: {
    title: 'routes',
    load: 'a free route',
    sizes: [10, 1000, 10_000_000],
    open: () => Promise.reject(new Error('not to be opened')),
  },
};

describe('the command line of the scaling benchmark', () => {
  it('leaves out sizes that are larger than asked for, and those that take very long by default', () => {
    expect(parseScalingOptions(['--most', '100'], KNOWN)?.dimensions[0]?.sizes).toEqual([10]);
    expect(parseScalingOptions([], KNOWN)?.dimensions[0]?.sizes).toEqual([10, 1000]);
    expect(parseScalingOptions(['--most', '10000000'], KNOWN)?.dimensions[0]?.sizes).toHaveLength(3);
  });

  it('refuses a dimension that there is not', () => {
    expect(() => parseScalingOptions(['--only', 'route'], KNOWN)).toThrow('there is no route; there are routes');
  });

  it('names every dimension in its help', () => {
    expect(parseScalingOptions(['--help'], KNOWN)).toBeUndefined();
    expect(scalingUsage(KNOWN)).toContain('routes');
  });
});

describe('the table of the scaling benchmark', () => {
  it('holds every size against the smallest one', () => {
    const level = { megabytes: 99.6, facts: [{ name: 'start', unit: 'ms', value: 1234 }] };
    const levels = [
      { ...level, size: 10, perSecond: [100, 300], ratio: spreadOf([1, 1]) },
      { ...level, size: 100_000, perSecond: [50, 60], ratio: spreadOf([0.5, 0.2]) },
    ];
    expect(renderMarkdown([{ title: 'routes', load: 'a free route', levels }])).toBe(`Load: a free route.

| routes | requests/s | beside the first | spread | resident, MB | start, ms |
| --- | --- | --- | --- | --- | --- |
| 10 | 200 | 1.00 | 1.00–1.00 | 100 | 1 234 |
| 100 000 | 55 | 0.35 | 0.20–0.50 | 100 | 1 234 |
`);
  });
});

describe('a ledger that was filled', () => {
  it('has settled payments that the ledger itself reads and adds up', async () => {
    const path = join(folder, 'delivered.db');
    await fillLedger(path, 250, 'delivered');
    const ledger = await openSqliteLedger(path);
    const totals = await ledger.summarize({});
    const [first] = await ledger.list({}, undefined, 1);
    await ledger.close();
    expect(totals.reduce((sum, { settled }) => sum + settled, 0)).toBe(250);
    expect(first).toMatchObject({ state: 'delivered', settlement: { amount: 10000n } });
  });

  it('has payments that another process settles, that count as owed, and that recovery does not take', async () => {
    const path = join(folder, 'open.db');
    await fillLedger(path, 100, 'being settled');
    const ledger = await openSqliteLedger(path);
    const [first] = await ledger.list({}, undefined, 1);
    expect(await ledger.countOwedBy(first?.payer ?? '', 1000)).toBe(100);
    expect(await ledger.takeOpen('somebody', Date.now(), 1000, 100)).toEqual([]);
    await ledger.close();
  });

  it('has keys all over the range of nonces, so that a new payment does not always come last', async () => {
    const path = join(folder, 'spread.db');
    await fillLedger(path, 64, 'delivered');
    const database = new DatabaseSync(path, { readOnly: true });
    const rows = database.prepare('SELECT key FROM turnpike_payments').all();
    database.close();
    const firstDigits = new Set(rows.map(({ key }) => String(key).split('|0x').at(-1)?.[0]));
    expect(firstDigits.size).toBe(16);
  });
});
