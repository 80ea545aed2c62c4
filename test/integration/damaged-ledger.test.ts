import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { NOW } from '../contract/ledger-scene.ts';
import { sale } from '../contract/pass-sale.ts';
import { adminWithToken, askAdmin, asOwner, putPayment, readAdmin } from '../support/admin.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/** Damaged JSON in one column of one row each. */
const DAMAGE = { '0x2': 'settled_extensions', '0x4': 'usage' } as const;

const folder = mkdtempSync(join(tmpdir(), 'turnpike-damaged-'));
const file = join(folder, 'ledger.db');
const keys = new Map<string, string>();
let gateway: TestGateway;

beforeAll(async () => {
  const store = await openSqliteLedger(file, { clock: () => NOW });
  for (const name of ['0x1', '0x2', '0x3', '0x4', '0x5']) {
    const state = name === '0x5' ? 'unknown' : 'delivered';
    keys.set(name, await putPayment(store, { name, claimedAt: NOW - Number(name) }, 'settling', state));
  }
  for (const version of ['a', 'b']) await store.passes.grant(sale({ payment: version, version }), NOW);
  await store.close();
  const database = new DatabaseSync(file);
  database.exec("UPDATE turnpike_passes SET opens = '[' WHERE version = 'b'");
  for (const [name, column] of Object.entries(DAMAGE)) {
    database.prepare(`UPDATE turnpike_payments SET ${column} = '{"half' WHERE key = ?`).run(keys.get(name) ?? '');
  }
  database.close();
  const config = `${adminWithToken()}
upstream: http://127.0.0.1:9
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: http://127.0.0.1:9
store: sqlite:${file}
routes:
  - { path: /a, price: $0.01 }
`;
  gateway = await startTestGateway(config, { clock: () => NOW });
});

afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

async function command(...words: string[]) {
  return await turnpike('ledger', ...words);
}

async function turnpike(...words: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  const argv = [...words, '--store', `sqlite:${file}`];
  const code = await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  stdout.end();
  stderr.end();
  return { code, out: await out, err: await err };
}

const UNREADABLE = Object.entries(DAMAGE).map(([name, column]) => ({
  key: expect.stringContaining(name),
  claimedAt: new Date(NOW - Number(name)).toISOString(),
  unreadable: column,
}));

describe('a ledger with rows that cannot be read', () => {
  it('is listed by the admin API, damaged rows apart from the others', async () => {
    const page = await readAdmin(gateway.adminUrl, '/api/payments');
    expect(page.payments.map(({ key }: { key: string }) => key)).toEqual(['0x1', '0x3', '0x5'].map((n) => keys.get(n)));
    expect(page.unreadable).toEqual(UNREADABLE);
    expect(page.next).toBeNull();
    const doubt = await readAdmin(gateway.adminUrl, '/api/doubt');
    expect([doubt.open.length, doubt.unreadable, doubt.moreOpen]).toEqual([1, [], false]);
  });

  it('keeps its sums, which are made of other columns', async () => {
    const { money } = await readAdmin(gateway.adminUrl, '/api/revenue');
    expect(money).toEqual([{ symbol: 'USDC', amount: '0.04', settled: 4, open: 1 }]);
  });

  it.each(Object.entries(DAMAGE))('says of payment %s itself that its %s is damaged', async (name, column) => {
    const key = keys.get(name) ?? '';
    const path = `/api/payment?key=${encodeURIComponent(key)}`;
    const answer = await askAdmin(gateway.adminUrl, path, { headers: asOwner() });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      500,
      { code: 'ledger_damaged', detail: `the ledger is damaged: a row's ${column} cannot be read` },
    ]);
    const { code, err } = await command('show', key);
    expect([code, err]).toEqual([1, expect.stringContaining(`a row's ${column} cannot be read`)]);
  });

  it('is listed by the command, which counts them', async () => {
    const table = await command('list');
    expect(table.code).toBe(0);
    expect(table.out.match(/delivered|unknown|unreadable/g)?.sort()).toEqual([
      'delivered',
      'delivered',
      'unknown',
      'unreadable',
      'unreadable',
    ]);
    expect(table.err).toContain('2 payments cannot be read\n');
    const { out } = await command('list', '--json');
    const lines = out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line)).filter((entry) => 'unreadable' in entry)).toEqual(UNREADABLE);
    expect(lines).toHaveLength(5);
  });

  it('is exported without them, and the export ends with 1', async () => {
    const { code, out, err } = await command('export', '--format', 'csv');
    expect(out.trim().split('\r\n')).toHaveLength(1 + 3);
    expect([code, err]).toEqual([1, expect.stringContaining('2 payments cannot be read; they are left out')]);
    expect(err).toContain(`${keys.get('0x2')}: its settled_extensions is damaged`);
    const sums = await command('usage', '--since', '2000-01-01');
    expect([sums.code, sums.err]).toEqual([1, expect.stringContaining('1 payment cannot be read')]);
  });

  it('shows a readable payment that is asked for by another name than its key', async () => {
    const { code, out } = await command('show', 'request-0x3', '--since', '2000-01-01');
    expect([code, out]).toEqual([0, expect.stringContaining('delivered')]);
  });

  it('lists the passes beside one that cannot be read, on the page and on the command line', async () => {
    const { passes, unreadable, next } = await readAdmin(gateway.adminUrl, '/api/passes');
    expect([passes.length, passes[0].version, next]).toEqual([1, 'a', null]);
    const told = {
      id: expect.stringMatching(/^[\w-]{22}$/),
      issuedAt: new Date(NOW).toISOString(),
      unreadable: 'opens',
    };
    expect(unreadable).toEqual([told]);
    const table = await turnpike('passes', 'list');
    expect([table.code, table.out]).toEqual([0, expect.stringContaining('unreadable')]);
    expect(table.err).toContain('1 pass cannot be read\n');
    const lines = (await turnpike('passes', 'list', '--json')).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line)).filter((entry) => 'unreadable' in entry)).toEqual([told]);
    expect(lines).toHaveLength(2);
  });
});
