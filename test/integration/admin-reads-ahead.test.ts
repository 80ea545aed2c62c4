import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, it } from 'vitest';
import type { Plan } from '../../src/domain/plan.ts';
import { builtIn, type Registry } from '../../src/registry.ts';
import { AdminSite } from '../../src/server/admin/admin-site.ts';
import { LedgerAccess } from '../../src/server/admin/ledger-access.ts';
import type { LedgerReader } from '../../src/store/ledger-reader.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { fillLedger } from '../bench/scaling/fill-ledger.ts';
import { HEAD, planOf } from '../support/config/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-ahead-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The admin page of a gateway on a ledger with so many payments, and how often totals were read for it. */
async function siteOn(rows: number, keys = 'admin: 127.0.0.1:0\n') {
  const file = join(folder, `${rows}.db`);
  await fillLedger(file, rows, 'delivered');
  const store = await openSqliteLedger(file);
  const read = { opened: 0, totals: 0, models: 0 };
  const registry = watching(read);
  const plan: Plan = planOf(`${keys}${HEAD}store: sqlite:${file}\nroutes:\n  - { path: /a, price: $0.01 }\n`);
  const ledger = new LedgerAccess(plan.store, registry, store);
  const sources = { plan: () => plan, registry, ledger, checks: () => [], reloads: undefined, clock: Date.now };
  const site = new AdminSite({ ...sources, counters: async () => [] }, pino({ level: 'silent' }));
  const close = async (): Promise<void> => {
    await site.close();
    await store.close();
  };
  return { site, read, close };
}

/** The built-in stores, whose readers count. */
function watching(read: { opened: number; totals: number; models: number }): Registry {
  const watched = (reader: LedgerReader): LedgerReader => ({
    passes: reader.passes,
    find: (key) => reader.find(key),
    mayHaveForgotten: (expiresAt) => reader.mayHaveForgotten(expiresAt),
    close: () => reader.close(),
    list: (...given) => reader.list(...given),
    page: (...given) => reader.page(...given),
    skip: (...given) => reader.skip(...given),
    summarize(filter) {
      read.totals += 1;
      return reader.summarize(filter);
    },
    summarizeModels(filter) {
      read.models += 1;
      return reader.summarizeModels(filter);
    },
  });
  const storeKinds = builtIn.storeKinds.map((kind) => {
    const { reading } = kind;
    if (reading === undefined) return kind;
    const open = async (location: string): Promise<LedgerReader> => {
      read.opened += 1;
      return watched(await reading.open(location));
    };
    return { ...kind, reading: { ...reading, open } };
  });
  return { ...builtIn, storeKinds };
}

it('the admin page reads the days before yesterday of a large ledger ahead, one by one and once', async () => {
  const { site, read, close } = await siteOn(20_000);
  await Promise.all([site.warm(), site.warm()]);
  await site.warm();
  expect(read).toEqual({ opened: 1, totals: 28, models: 28 });
  await close();
});

it('the admin page does not read a small ledger ahead', async () => {
  const { site, read, close } = await siteOn(19_999);
  await site.warm();
  expect(read).toEqual({ opened: 0, totals: 0, models: 0 });
  await close();
});

it('a gateway without an admin page reads nothing ahead', async () => {
  const { site, read, close } = await siteOn(20_001, 'admin: { listen: 127.0.0.1:0, page: off }\n');
  await site.warm();
  expect(read).toEqual({ opened: 0, totals: 0, models: 0 });
  await close();
});

it('reading ahead ends without an error when the gateway stops', async () => {
  const { site, close } = await siteOn(20_002);
  const warming = site.warm();
  await close();
  await expect(warming).resolves.toBeUndefined();
});
