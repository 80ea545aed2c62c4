import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { AssetNames } from '../../../src/admin/asset-names.ts';
import { describeEntry } from '../../../src/admin/payment-entry.ts';
import { CSV_HEADER, csvCell, csvRow } from '../../../src/cli/ledger/csv.ts';
import { parseMoment } from '../../../src/cli/ledger/moment.ts';
import { Outlet } from '../../../src/cli/ledger/outlet.ts';
import { readPages } from '../../../src/cli/ledger/pages.ts';
import { readSelection } from '../../../src/cli/ledger/selection.ts';
import { Table } from '../../../src/cli/ledger/table.ts';
import { readAssetTable } from '../../../src/config/asset-table.ts';
import type { Amount } from '../../../src/domain/amount.ts';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import { builtIn } from '../../../src/registry.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import { freshRow, NOW, paymentClaim, SETTLEMENT } from '../../contract/ledger-scene.ts';

const NOON = Date.UTC(2026, 10, 30, 12);
const HOUR = 3_600_000;
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const assets = new AssetNames({ routes: [] }, readAssetTable(), builtIn.families);

describe('a moment', () => {
  it.each([
    ['2026-11-30', Date.UTC(2026, 10, 30)],
    ['2026-11-30T18:30', Date.UTC(2026, 10, 30, 18, 30)],
    ['2026-11-30 18:30:05', Date.UTC(2026, 10, 30, 18, 30, 5)],
    ['2026-11-30T18:30:05.25Z', Date.UTC(2026, 10, 30, 18, 30, 5, 250)],
    ['2026-11-30T18:30:00+02:00', Date.UTC(2026, 10, 30, 16, 30)],
    ['24h', NOON - 24 * HOUR],
    ['7d', NOON - 7 * 24 * HOUR],
    ['90m', NOON - 1.5 * HOUR],
  ])('is read from %s, in UTC where no zone is given', (text, expected) => {
    expect(parseMoment('--since', text, NOON)).toBe(expected);
  });

  it.each([
    '2026-02-30',
    '2026-13-01',
    '2026-11-30T25:00',
    '2026-11-30T18:30+99:00',
    '30',
    'yesterday',
    '0d',
    '-7d',
    '',
    '2026-11',
    '99999d',
  ])('is refused as %j, with what would be right', (text) => {
    expect(() => parseMoment('--since', text, NOON)).toThrow(/^--since: .*right is /);
  });
});

describe('a selection', () => {
  it('holds no more than what was asked for', () => {
    expect(readSelection({ config: 'x' }, NOON)).toEqual({});
    const options = { config: 'x', since: '2026-11-01', until: '1h', route: 'a', state: ['unknown, settling', 'owed'] };
    expect(readSelection(options, NOON)).toEqual({
      since: Date.UTC(2026, 10, 1),
      until: NOON - HOUR,
      route: 'a',
      states: ['unknown', 'settling', 'owed'],
    });
  });

  it.each([
    { since: '1h', until: '2h' },
    { since: '2026-11-30', until: '2026-11-30' },
    { state: ['unknwon'] },
    { state: ['unknown,'] },
    { state: ['toString'] },
  ])('is refused when it can only be a mistake: %o', (options) => {
    expect(() => readSelection({ config: 'x', ...options }, NOON)).toThrow(
      expect.objectContaining({ name: 'UsageError' }),
    );
  });
});

describe('a CSV cell', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '\r=1', '＝1'])('defuses %j', (text) => {
    const cell = csvCell(text);
    expect(cell.replace(/^"/, '')).toMatch(/^'/);
    expect(cell).toContain(text.trim());
  });

  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['GET /v1/a-b', 'GET /v1/a-b'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\nlines', '"two\nlines"'],
    ['-a,"b"', '"\'-a,""b"""'],
  ])('writes %j as %j', (text, expected) => {
    expect(csvCell(text)).toBe(expected);
  });
});

describe('an entry', () => {
  const record = { ...freshRow(paymentClaim({ asset: USDC, route: '-x' }), 1, NOW), state: 'delivered' as const };

  it('says amounts exactly, however large', () => {
    const amount = ((1n << 256n) - 1n) as Amount;
    const entry = describeEntry({ ...record, amount, settlement: { ...SETTLEMENT, amount } }, assets);
    expect(entry.amountAtomic).toBe(amount.toString());
    expect(entry.amount).toBe('115792089237316195423570985008687907853269984665640564039457584007913129.639935');
    expect(entry.settled).toMatchObject({ amount: entry.amount, amountAtomic: entry.amountAtomic });
  });

  it('shows the amount asked for beside the price, also before any money moved', () => {
    const asked = 2_500n as Amount;
    const attempt = { transaction: '0xaa', data: '' };
    const entry = describeEntry({ ...record, state: 'unknown', asked, attempt }, assets);
    expect(entry).toMatchObject({ amountAtomic: '10000', asked: '0.0025', askedAtomic: '2500' });
    expect(csvRow(entry)).toMatch(/,0\.0025,2500,,,,,mpp$/);
  });

  it('shows no amount asked for before there is one, and the price for rows of earlier versions', () => {
    expect(describeEntry(record, assets)).toMatchObject({ asked: null, askedAtomic: null });
    const settled = describeEntry({ ...record, asked: undefined, settlement: SETTLEMENT }, assets);
    expect(settled).toMatchObject({ asked: '0.01', askedAtomic: '10000' });
  });

  it('has no amount in whole units for an asset with unknown decimals', () => {
    const entry = describeEntry({ ...record, asset: `0x${'ee'.repeat(20)}` }, assets);
    expect(entry).toMatchObject({ symbol: null, amount: null, amountAtomic: '10000' });
  });

  it('never holds what was signed or what was about to be sent', () => {
    const secret = { evidence: '{"signature":"0xsigned"}', attempt: { transaction: '0xaa', data: '0xrawbytes' } };
    const text = JSON.stringify(describeEntry({ ...record, ...secret }, assets));
    expect(text).toContain('"attempt":"0xaa"');
    expect(text).not.toMatch(/0xsigned|0xrawbytes/);
  });

  it('takes an authorization that ends after every calendar', () => {
    expect(describeEntry({ ...record, expiresAt: Number.MAX_SAFE_INTEGER }, assets).expiresAt).toBeNull();
  });

  it('becomes a CSV row with as many cells as there are columns', () => {
    const row = csvRow(describeEntry(record, assets));
    expect(row.split(',')).toHaveLength(CSV_HEADER.split(',').length);
    expect(row).toContain(",delivered,'-x,eip155:84532,");
  });
});

describe('the pages of a ledger', () => {
  it.each([0, 1, 6, 7])('bring every one of %i payments once, in order, in pages of three', async (count) => {
    const ledger = openMemoryLedger();
    for (let index = 0; index < count; index += 1) {
      // Two share each moment, so that the key has to decide.
      await ledger.claim(paymentClaim({ name: `${index}`, claimedAt: NOW + Math.floor(index / 2) }));
    }
    const pages: (readonly PaymentRecord[])[] = [];
    for await (const { records } of readPages(ledger, {}, { pageRows: 3 })) pages.push(records);
    expect(pages.every((page) => page.length > 0 && page.length <= 3)).toBe(true);
    expect(pages.flat().map(({ requestId }) => requestId)).toEqual(
      Array.from({ length: count }, (_, index) => `request-${index}`),
    );
  });
});

describe('an outlet', () => {
  /** An output whose reader decides when, and whether, it takes what is written. */
  function output() {
    const waiting: ((fault?: Error) => void)[] = [];
    const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void waiting.push(done) });
    stream.on('error', () => {});
    return { stream, waiting };
  }

  it('takes the next text only when the last one was taken', async () => {
    const { stream, waiting } = output();
    let taken = false;
    const writing = new Outlet(stream).write('text').then(() => {
      taken = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect({ taken, waiting: waiting.length }).toEqual({ taken: false, waiting: 1 });
    waiting[0]?.();
    await writing;
    expect(taken).toBe(true);
  });

  it.each(['EPIPE', 'ECONNRESET'])('recognizes by %s that its reader has gone', async (code) => {
    const { stream, waiting } = output();
    const writing = new Outlet(stream).write('text');
    waiting[0]?.(Object.assign(new Error('gone'), { code }));
    await expect(writing).rejects.toMatchObject({ name: 'ReaderGone' });
    await expect(new Outlet(stream).write('more')).rejects.toMatchObject({ name: 'ReaderGone' });
  });

  it('fails when what it writes is lost', async () => {
    const { stream, waiting } = output();
    const writing = new Outlet(stream).write('text');
    waiting[0]?.(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
    await expect(writing).rejects.toMatchObject({ name: 'CommandFailure', message: expect.stringContaining('ENOSPC') });
  });
});

describe('a table', () => {
  it('shows its head once, lines its columns up and never lets them shrink', () => {
    const table = new Table(['A', 'B'], 'B');
    expect(table.rows([['long cell', 'x']])).toEqual(['A          B', 'long cell  x']);
    expect(table.rows([['short', '']])).toEqual(['short      -']);
  });

  it('keeps its lines within 80 characters by cutting the one column named for it', () => {
    const table = new Table(['ROUTE', 'AMOUNT'], 'ROUTE');
    const lines = table.rows([['r'.repeat(90), '2.5 USDC']]);
    expect(lines[1]).toBe(`${'r'.repeat(69)}…  2.5 USDC`);
    expect(lines[1]).toHaveLength(80);
    expect(table.rows([['short', '9'.repeat(90)]])[0]).toBe(`${'short'.padEnd(90)}  ${'9'.repeat(90)}`);
  });

  it('shows control characters in texts of others as escapes', () => {
    expect(new Table(['A'], 'A').rows([['\u001b[2Jpaid']])[1]).toBe('\\u{1b}[2Jpaid');
  });
});
