import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Amount } from '../../src/domain/amount.ts';
import { type Decimal, parseDecimal } from '../../src/domain/decimal.ts';
import type { PaymentClaim } from '../../src/domain/payment-record.ts';
import { encodeUsage, type Usage } from '../../src/domain/usage.ts';
import type { Transition } from '../../src/store/ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openPostgresLedger } from '../../src/store/postgres/postgres-ledger.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { paymentClaim } from '../contract/ledger-scene.ts';
import { openPostgres, postgresMissing, type TestPostgres } from '../support/postgres.ts';

const BIN = fileURLToPath(new URL('../../bin/turnpike.js', import.meta.url));
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const OTHER = `0x${'ee'.repeat(20)}`;
const HUGE = (1n << 200n) as Amount;
const HASH = `0x${'ab'.repeat(32)}`;
const folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-ledger-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A configuration file with a store. */
function config(name: string, store: string): string {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(
    path,
    `upstream: http://127.0.0.1:8080
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: https://facilitator.example.com
store: ${store}
routes:
  - { path: /weather, price: $0.01, name: weather }
`,
  );
  return path;
}

/** Runs the command inside this process. */
function cli(...argv: string[]) {
  return turnpike('ledger', ...argv);
}

async function turnpike(...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const written = [text(stdout), text(stderr)] as const;
  const code = await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(written);
  return { code, out, err };
}

function decimal(text: string): Decimal {
  const read = parseDecimal(text);
  if (read === undefined) throw new Error(`${text} is no decimal`);
  return read;
}

/** Claims a payment and leads it through steps. */
async function payment(store: PaymentStore, claim: Partial<PaymentClaim> & { name: string }, ...steps: Transition[]) {
  const claimed = await store.claim(paymentClaim({ asset: USDC, ...claim }));
  let record = claimed.record;
  for (const step of steps) {
    const moved = await store.transition(record.key, record.epoch, step);
    if (moved.kind === 'stale') throw new Error('the epoch is stale');
    record = moved.record;
  }
  return record;
}

function settled(to: 'delivered' | 'delivering' | 'undelivered', amount: bigint, transaction = HASH): Transition {
  return { to, settlement: { transaction, payer: `0x${'01'.repeat(20)}`, amount: amount as Amount } };
}

/** Seven payments in November 2026 and one just now. */
async function fill(store: PaymentStore): Promise<void> {
  const day = (date: number, hour = 0): number => Date.UTC(2026, 10, date, hour);
  const paid = (amount: bigint, transaction?: string): Transition[] => [
    { to: 'settling' },
    settled('delivering', amount, transaction),
    { to: 'delivered' },
  ];
  await payment(store, { name: 'a1', claimedAt: day(1) }, ...paid(10_000n));
  await payment(store, { name: 'a2', claimedAt: day(1, 23) }, ...paid(10_000n));
  await payment(
    store,
    { name: 'b1', claimedAt: day(2), amount: 2_500_000n as Amount },
    ...paid(2_500_000n, `0x${'cd'.repeat(32)}`),
  );
  await payment(
    store,
    { name: 'b2', claimedAt: day(2, 1), route: '-cmd' },
    { to: 'released', reason: '=HYPERLINK("x")' },
  );
  for (const name of ['c1', 'c2']) {
    await payment(store, { name, claimedAt: day(3), asset: OTHER, amount: HUGE }, ...paid(HUGE));
  }
  await payment(
    store,
    { name: 'c3', claimedAt: day(3, 4) },
    { to: 'settling', attempt: { transaction: `0x${'ef'.repeat(32)}`, data: '0xrawsigned' } },
    { to: 'unknown', reason: 'facilitator_timeout' },
  );
  await payment(store, { name: 'now', claimedAt: Date.now() - 60_000, requestId: 'fresh' }, ...paid(10_000n, '0xFe'));
}

const TABLES = ['payments', 'owners', 'answers', 'quotes', 'schema_version'].map((name) => `turnpike_${name}`);

function dumpSqlite(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`).all());
  database.close();
  return JSON.stringify(rows);
}

async function dumpPostgres(connectionString: string): Promise<string> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const rows: unknown[] = [];
    for (const table of TABLES) rows.push((await client.query(`SELECT * FROM ${table} ORDER BY 1`)).rows);
    return JSON.stringify(rows);
  } finally {
    await client.end();
  }
}

const missing = await postgresMissing();

describe.each([
  ['SQLite', undefined],
  ['PostgreSQL', missing],
])('the ledger commands on %s', (engine, why) => {
  describe.skipIf(why !== undefined)(why ?? 'while the gateway has it open', () => {
    let postgres: TestPostgres | undefined;
    let store: PaymentStore;
    let file: string;
    let storeUrl: string;
    /** Everything in the database. */
    let dump: () => Promise<string>;

    beforeAll(async () => {
      if (engine === 'PostgreSQL') {
        postgres = await openPostgres();
        const url = await postgres.createDatabase();
        store = await openPostgresLedger(url);
        storeUrl = url;
        file = config(engine, url);
        dump = () => dumpPostgres(url);
      } else {
        const path = join(folder, 'ledger.db');
        store = await openSqliteLedger(path);
        storeUrl = `sqlite:${path}`;
        file = config(engine, storeUrl);
        dump = async () => dumpSqlite(path);
      }
      await fill(store);
    });

    afterAll(async () => {
      await store.close();
      await postgres?.dispose();
    });

    it('lists payments as a table of 80 characters, the newest first, with the unit of each amount', async () => {
      const { code, out, err } = await cli('list', '-c', file, '--until', '2026-11-04');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const lines = out.trimEnd().split('\n');
      expect(lines).toHaveLength(8);
      expect(lines[0]).toMatch(/^CLAIMED \(UTC\) +ID +ROUTE +STATE +AMOUNT +PAYER$/);
      expect(lines[1]).toMatch(/^2026-11-03 04:00 {2}c3 +weather +unknown +0\.01 USDC +0x0101…0101$/);
      expect(lines[2]).toContain(`${HUGE} atomic`);
      expect(lines[7]).toMatch(/^2026-11-01 00:00 {2}a1 +weather +delivered +0\.01 USDC +0x0101…0101$/);
      const { out: usual } = await cli('list', '-c', file, '--until', '2026-11-03');
      for (const line of usual.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    });

    it('needs no file when the store is given, and reports a bad store without its password', async () => {
      const { code, out, err } = await cli('list', '--store', storeUrl, '--limit', '1', '--json');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(JSON.parse(out)).toMatchObject({ requestId: 'fresh', symbol: 'USDC' });
      const wrong = await cli('list', '--store', 'postgres://me:hunter2@/x');
      expect(wrong.code).toBe(2);
      expect(wrong.err).not.toContain('hunter2');
      expect((await cli('list', '--store', storeUrl, '-c', file)).code).toBe(2);
    });

    it('needs no key, no secret and no other setting of a file that only the gateway uses', async () => {
      const path = join(folder, `${engine}-secrets.yaml`);
      const secrets = `facilitator:
  local: { rpc: { base-sepolia: "https://rpc.example" }, key: "\${SETTLER_KEY}" }
webhooks: [{ url: "https://a.example/", secret: "\${WEBHOOK_SECRET}" }]
asset: { address: "${OTHER}", symbol: OWN, decimals: 18, name: Own, version: "1", transferMethod: eip3009 }`;
      writeFileSync(
        path,
        readFileSync(file, 'utf8')
          .replace(/^facilitator: .*$/m, secrets)
          .replace('$0.01', '0.01 OWN'),
      );
      const { code, out, err } = await cli('list', '-c', path, '--until', '2026-11-04');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain(`${HUGE / 10n ** 18n}.`);
      expect(out).toContain(' OWN  0x01');
      writeFileSync(path, readFileSync(path, 'utf8').replace(/^store: .*$/m, 'store: nowhere'));
      const broken = await cli('list', '-c', path);
      expect(broken.code).toBe(2);
      expect(broken.err).toMatch(/^turnpike: one problem in the configuration\n[^\n]* store: this is no store/);
    });

    it('lists payments as lines of JSON, filtered by time, route and state', async () => {
      const keys = async (...argv: string[]): Promise<string[]> => {
        const { out } = await cli('list', '--json', '-c', file, ...argv);
        return out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).key.split('|')[3]]));
      };
      expect(await keys()).toEqual(['now', 'c3', 'c2', 'c1', 'b2', 'b1', 'a2', 'a1']);
      expect(await keys('--limit', '2')).toEqual(['now', 'c3']);
      expect(await keys('--payer', `0X${'01'.repeat(20)}`, '--limit', '1')).toEqual(['now']);
      expect(await keys('--payer', `0x${'02'.repeat(20)}`)).toEqual([]);
      expect(await keys('--since', '2026-11-01T12:00', '--until', '2026-11-03')).toEqual(['b2', 'b1', 'a2']);
      expect(await keys('--since', '1h')).toEqual(['now']);
      expect(await keys('--route', '-cmd')).toEqual(['b2']);
      expect(await keys('--state', 'unknown,released')).toEqual(['c3', 'b2']);
    });

    it('says on stderr when nothing fits and when no route has the name', async () => {
      const { code, out, err } = await cli('list', '-c', file, '--route', 'wether');
      expect({ code, out }).toEqual({ code: 0, out: '' });
      expect(err).toMatch(
        /^note: the configuration has no route named "wether" .*\nno such payments in (\/.*ledger\.db|the PostgreSQL database)\n$/,
      );
    });

    it('exports CSV that adds up to the summary and runs nothing in a spreadsheet', async () => {
      const { code, out } = await cli('export', '--format', 'csv', '-c', file, '--until', '2026-11-04');
      expect(code).toBe(0);
      const [head = '', ...rows] = out.split('\r\n');
      expect(rows.pop()).toBe('');
      expect(rows).toHaveLength(7);
      const column = (name: string): number => head.split(',').indexOf(name);
      const cells = rows.map((row) => row.split(','));
      const sum = (asset: string): bigint =>
        cells
          .filter((row) => row[column('asset')] === asset)
          .reduce((total, row) => total + BigInt(row[column('settled_atomic')] || '0'), 0n);
      expect(sum(USDC)).toBe(2_520_000n);
      expect(sum(OTHER)).toBe(2n * HUGE);
      expect(cells[2]?.[column('settled')]).toBe('2.5');
      expect(cells[3]?.[column('route')]).toBe("'-cmd");
      expect(rows[3]).toContain('"\'=HYPERLINK(""x"")"');
      const { out: summary } = await cli('export', '--format', 'summary', '-c', file, '--until', '2026-11-04');
      expect(summary).toMatch(/^base-sepolia +3 +2\.52 USDC +1$/m);
    });

    it('exports JSON lines that hold nothing that was signed', async () => {
      const { code, out } = await cli('export', '--format', 'json', '-c', file);
      const entries = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(code).toBe(0);
      expect(entries).toHaveLength(8);
      expect(entries[4]).toMatchObject({ amount: null, amountAtomic: `${HUGE}`, settled: { amountAtomic: `${HUGE}` } });
      expect(out).not.toMatch(/submission|0xrawsigned/);
    });

    it('adds up per day, route and asset, and per asset', async () => {
      const { code, out } = await cli('summary', '-c', file, '--until', '2026-11-04');
      expect(code).toBe(0);
      expect(out.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
        'DAY (UTC) ROUTE NETWORK SETTLED AMOUNT OPEN',
        '2026-11-01 weather base-sepolia 2 0.02 USDC 0',
        '2026-11-02 weather base-sepolia 1 2.5 USDC 0',
        '2026-11-03 weather base-sepolia 0 0 USDC 1',
        `2026-11-03 weather base-sepolia 2 ${2n * HUGE} atomic 0xeeee…eeee 0`,
        '',
        'TOTAL SETTLED AMOUNT OPEN',
        'base-sepolia 3 2.52 USDC 1',
        `base-sepolia 2 ${2n * HUGE} atomic 0xeeee…eeee 0`,
        '',
      ]);
      const { out: json } = await cli('summary', '--json', '-c', file, '--until', '2026-11-02');
      const total = {
        network: 'eip155:84532',
        asset: USDC,
        symbol: 'USDC',
        settled: 2,
        amount: '0.02',
        amountAtomic: '20000',
        open: 0,
      };
      expect(JSON.parse(json)).toEqual({ lines: [{ day: '2026-11-01', route: 'weather', ...total }], totals: [total] });
    });

    it('adds up what was used per day and model, exactly, within the width of a terminal', async () => {
      const rates = new Map([['input', '$2.50/1M']] as const);
      const used = (model: string | undefined, input: string, output: string, missing?: 'no_usage'): Usage => ({
        ...{ meter: 'openai', model, stated: undefined, missing, guessed: false, end: 'complete', rates, min: '0' },
        figures: new Map(
          missing === undefined
            ? [
                ['input', decimal(input)],
                ['output', decimal(output)],
              ]
            : [],
        ),
      });
      const call = async (name: string, date: number, usage: Usage, amount: bigint): Promise<void> => {
        const charge = { asked: amount as Amount, usage: encodeUsage(usage) };
        const claimedAt = Date.UTC(2025, 0, date);
        await payment(
          store,
          { name, claimedAt },
          { to: 'uncharged' },
          { to: 'owed', ...charge },
          { to: 'settling' },
          settled('delivered', amount),
        );
      };
      const long = `a-model-${'x'.repeat(80)}`;
      await call('u1', 1, used('gpt-5-mini', '1200', '340'), 4200n);
      await call('u2', 1, used('gpt-5-mini', '9007199254740993', '0.5'), 800n);
      await call('u3', 1, used('gpt-5-mini', '', '', 'no_usage'), 500n);
      await call('u4', 2, used(long, '1', '2'), 1n);
      const span = ['--since', '2025-01-01', '--until', '2025-01-03'];
      const { code, out } = await cli('usage', '-c', file, ...span);
      expect(code).toBe(0);
      const lines = out.split('\n').slice(0, -1);
      expect(lines.map((line) => line.replace(/ +/g, ' '))).toEqual([
        'DAY (UTC) MODEL CALLS USED CHARGED',
        '2025-01-01 gpt-5-mini 3 9007199254742193 input 0.0055 USDC',
        ' 340.5 output',
        ' 1 without usage',
        expect.stringMatching(/^2025-01-02 a-model-x*… 1 1 input 0\.000001 USDC$/),
        ' 2 output',
      ]);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
      const { out: json } = await cli('usage', '--json', '--store', storeUrl, ...span);
      expect(JSON.parse(json).lines[0]).toEqual({
        ...{ day: '2025-01-01', model: 'gpt-5-mini', network: 'eip155:84532', asset: USDC, symbol: 'USDC' },
        ...{ calls: 3, missing: 1, used: { input: '9007199254742193', output: '340.5' } },
        ...{ charged: '0.0055', chargedAtomic: '5500', settled: '0.0055', settledAtomic: '5500' },
        ofBalances: { calls: 0, charged: '0', chargedAtomic: '0' },
      });
      const shown = await cli('show', paymentClaim({ name: 'u1' }).key, '-c', file);
      expect(shown.out).toMatch(/^used +1200 input at \$2\.50\/1M, 340 output$/m);
      expect(shown.out).toMatch(/^model +gpt-5-mini$/m);
      const { err } = await cli('usage', '-c', file, '--since', '2026-11-01');
      expect(err).toContain('nothing was charged by what was used');
    });

    it('shows a payment by its key, however old, and what its state means', async () => {
      const { code, out } = await cli('show', paymentClaim({ name: 'c3' }).key, '-c', file, '--since', '1h');
      expect(code).toBe(0);
      expect(out).toMatch(/^state +unknown$/m);
      expect(out).toMatch(/^reason +facilitator_timeout$/m);
      expect(out).toMatch(/^price +0\.01 USDC \(10000 atomic units\)$/m);
      expect(out).toMatch(/^attempt +0xefef/m);
      expect(out).toMatch(/^means +The money may have moved/m);
      expect(out).not.toMatch(/submission|0xrawsigned/);
    });

    it.each([
      ['request id', 'fresh'],
      ['transaction, whatever the case of its letters', '0xfE'],
      ['beginning of its key', 'eip155:84532|0x02|0x01|no'],
      ['nonce', 'now'],
    ])('shows a payment by its %s', async (_, id) => {
      const { code, out } = await cli('show', id, '--json', '-c', file);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ requestId: 'fresh', settled: { transaction: '0xFe' } });
    });

    it('shows every payment of a transaction', async () => {
      const { out } = await cli('show', HASH, '-c', file, '--since', '2026-11-01');
      expect([...out.matchAll(/^key +.*\|(\w+)$/gm)].map(([, name]) => name)).toEqual(['a1', 'a2', 'c1', 'c2']);
    });

    it('ends with 2 for the beginning of several keys, and names them', async () => {
      const { code, out, err } = await cli('show', 'eip155:84532|0x02|0x01|a', '-c', file, '--since', '2026-11-01');
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/several keys; give more of it\n {2}.*\|a1\n {2}.*\|a2\n$/);
    });

    it('ends with 1 when no payment has the id, and says how far back it looked', async () => {
      const { code, out, err } = await cli('show', HASH, '-c', file, '--since', '1h');
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(
        /^turnpike: no payment is known by .*claimed since \d{4}-\d\d-\d\d \d\d:\d\d UTC\nlook further back with --since\n$/s,
      );
    });

    it('changes no table: it neither takes over payments nor records a live process', async () => {
      const before = await dump();
      expect(before).toContain('facilitator_timeout');
      for (const argv of [
        ['list'],
        ['list', '--store', storeUrl],
        ['summary'],
        ['export', '--format', 'csv'],
        ['show', 'fresh'],
      ]) {
        const place = argv.includes('--store') ? [] : ['-c', file];
        expect((await cli(...argv, ...place)).code).toBe(0);
      }
      expect(await dump()).toBe(before);
    });

    it('resolves a payment: the note is stored, shown and exported, and the payment is no longer unresolved', async () => {
      const left = async (): Promise<string> =>
        (await cli('list', '--unresolved', '--state', 'unknown', '-c', file)).out;
      expect(await left()).toContain(' unknown ');
      const note = 'refunded, "ticket" 47';
      const { code, out, err } = await cli('resolve', 'c3', '--note', note, '-c', file, '--since', '2026-11-01');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toBe(`resolved ${paymentClaim({ name: 'c3' }).key} (unknown): ${note}\n`);
      expect(await left()).toBe('');
      expect((await cli('list', '--state', 'unknown', '-c', file)).out).toContain(' unknown* ');
      const shown = await cli('show', 'c3', '-c', file, '--since', '2026-11-01');
      expect(shown.out).toMatch(/^resolved +\d{4}-\d\d-\d\dT[\d:.]+Z: refunded, "ticket" 47$/m);
      const { out: csv } = await cli('export', '--format', 'csv', '--state', 'unknown', '-c', file);
      expect(csv).toContain('"refunded, ""ticket"" 47"');
      const row = await store.find(paymentClaim({ name: 'c3' }).key);
      expect(row).toMatchObject({ state: 'unknown', resolution: { note } });
      expect(await store.countOpen()).toEqual([]);
    });

    it('says when payments of the time that a report is about were deleted: it must not look like all of them', async () => {
      await payment(
        store,
        { name: 'old', claimedAt: 1, expiresAt: 1_700_000_000 },
        { to: 'settling' },
        settled('delivering', 1n),
        {
          to: 'delivered',
        },
      );
      expect(await store.prune(Date.now() + 60_000, 1_700_000_001, 100)).toBe(1);
      const note = expect.stringContaining('note: payments of this time have been deleted');
      const reports = [['summary'], ['summary', '--json'], ['export', '--format', 'csv'], ['usage']];
      for (const report of reports) {
        expect(await cli(...report, '-c', file)).toMatchObject({ code: 0, err: note });
        expect(await cli(...report, '-c', file, '--since', '2023-11-14T22:00:00Z')).toMatchObject({ err: note });
        const later = await cli(...report, '-c', file, '--since', '2023-11-15');
        expect(later.err).not.toContain('deleted');
      }
    });

    it.each([
      ['a payment that needs no action', 1, ['a1', '--note', 'x'], /its state: delivered\. The money moved/],
      ['several payments', 2, [HASH, '--note', 'x'], /stands for 4 payments/],
      ['an empty note', 2, ['c3', '--note', ' '], /--note is empty/],
      ['no note', 2, ['c3'], /required option '--note <text>'/],
      ['an id that no payment has', 1, ['0xnone', '--note', 'x'], /no payment is known by 0xnone/],
    ] as const)('does not resolve %s', async (_, expected, argv, message) => {
      const { code, out, err } = await cli('resolve', ...argv, '-c', file, '--since', '2026-11-01');
      expect({ code, out }).toEqual({ code: expected, out: '' });
      expect(err).toMatch(message);
    });
  });
});

describe('the ledger commands as a process', () => {
  let file: string;
  const ROWS = 1200;

  beforeAll(async () => {
    const path = join(folder, 'many.db');
    file = config('many', `sqlite:${path}`);
    const store = await openSqliteLedger(path);
    const claims = Array.from({ length: ROWS }, (_, index) =>
      store.claim(paymentClaim({ name: `${index}`, claimedAt: Date.UTC(2026, 10, 1) + index })),
    );
    await Promise.all(claims);
    await store.close();
  });

  function start(stdout: 'pipe' | number, ...argv: string[]) {
    const child = spawn(process.execPath, ['--conditions=development', BIN, 'ledger', ...argv, '-c', file], {
      stdio: ['ignore', stdout, 'pipe'],
    });
    const err = child.stderr === null ? Promise.resolve('') : text(child.stderr);
    return { child, err, ended: once(child, 'close').then(([code, signal]) => ({ code, signal })) };
  }

  it('brings every payment of many pages into a pipe, once', async () => {
    const { child, ended } = start('pipe', 'export', '--format', 'json');
    if (child.stdout === null) throw new Error('no pipe');
    const lines = (await text(child.stdout)).trimEnd().split('\n');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(new Set(lines.map((line) => JSON.parse(line).key)).size).toBe(ROWS);
    expect(lines).toHaveLength(ROWS);
  });

  it('ends quietly with 0 when the reader closes the pipe', async () => {
    const { child, err, ended } = start('pipe', 'list');
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(await err).toBe('');
  });

  it.skipIf(!existsSync('/dev/full'))('ends with 1 when the disk is full: the export is incomplete', async () => {
    const { err, ended } = start(openSync('/dev/full', 'w'), 'export', '--format', 'csv');
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(await err).toMatch(/^turnpike: the output cannot be written: .*ENOSPC/);
  });
});

describe('the ledger commands without a ledger', () => {
  it.each(['list', 'summary'])('tell that %s has nothing to read from a store in memory', async (command) => {
    const { code, out, err } = await cli(command, '-c', config('memory', 'memory'));
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('with `store: memory` there is no ledger to read');
  });

  it('do not make a file that is not there', async () => {
    const path = join(folder, 'nowhere.db');
    const { code, out, err } = await cli('summary', '-c', config('nowhere', `sqlite:${path}`));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`there is no ledger yet\n  file: ${path}\n`);
    expect(existsSync(path)).toBe(false);
  });

  it('leave a ledger of a newer version alone', async () => {
    const path = join(folder, 'newer.db');
    await (await openSqliteLedger(path)).close();
    const database = new DatabaseSync(path);
    database.exec('INSERT INTO turnpike_schema_version (version) VALUES (999)');
    database.close();
    const { code, out, err } = await cli('list', '-c', config('newer', `sqlite:${path}`));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('written by a newer version');
  });

  it('leave a ledger of an older version alone, also those that change something: its gateway must start again', async () => {
    const path = join(folder, 'older.db');
    await (await openSqliteLedger(path)).close();
    const database = new DatabaseSync(path);
    const newest = 'SELECT MAX(version) AS version FROM turnpike_schema_version';
    database.exec(`DELETE FROM turnpike_schema_version WHERE version = (${newest})`);
    const version = database.prepare(newest).get();
    const file = config('older', `sqlite:${path}`);
    for (const command of [
      ['ledger', 'list'],
      ['ledger', 'resolve', 'abcdefgh', '--note', 'done'],
      ['token', 'revoke', '0a1B2c3D4e5F6g7H8i9J0g'],
    ]) {
      const { code, err } = await turnpike(...command, '-c', file);
      expect([code, err]).toEqual([1, expect.stringContaining('written by an older version')]);
    }
    expect(database.prepare(newest).get()).toEqual(version);
    database.close();
  });

  it('say why a database cannot be reached, without its password', async () => {
    const { code, err } = await cli('list', '-c', config('away', 'postgres://me:hunter2@127.0.0.1:1/x'));
    expect(code).toBe(1);
    expect(err).toContain('ECONNREFUSED');
    expect(err).not.toContain('hunter2');
  });

  it.each([
    ['no command', []],
    ['no format', ['export']],
    ['another format', ['export', '--format', 'xml']],
    ['a moment that is none', ['list', '--since', 'monday']],
    ['a state that is none', ['list', '--state', 'lost']],
    ['no id', ['show']],
    ['an empty id', ['show', '']],
    ['a limit that is none', ['list', '--limit', '0']],
    ['a missing configuration', ['list', '-c', '/nowhere/gateway.yaml']],
  ])('end with 2 for %s, and say so on stderr', async (_, argv) => {
    const { code, out, err } = await cli(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toBe('');
  });

  it.each([
    '',
    'list',
    'show',
    'export',
    'summary',
    'usage',
    'resolve',
  ])('show an example in the help of ledger %s', async (command) => {
    const { code, out } = await cli(...(command === '' ? [] : [command]), '--help');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\\n  \\$ turnpike ledger ${command}`));
  });
});
