import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSqliteLedger, openSqliteReader } from '../../src/store/sqlite/sqlite-ledger.ts';
import { paymentClaim } from '../contract/ledger-scene.ts';
import { stockFetch } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let folder: string;
let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;

const home = (): string => join(folder, 'home');
const path = (): string => join(home(), 'ledger.db');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'turnpike-moved-'));
  await mkdir(home());
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream()]);
  await start();
});

afterEach(async () => {
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  gateway = await startTestGateway(
    [
      `upstream: ${upstream.url}`,
      'payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"',
      'accepts: [base-sepolia]',
      `store: sqlite:${path()}`,
      `facilitator: ${facilitator.url}`,
      'routes:',
      '  - { path: /free, price: free }',
      '  - { path: /*, price: $0.01 }',
      '',
    ].join('\n'),
  );
}

/** Buys with an account of its own. */
async function buy(): Promise<number> {
  const response = await stockFetch(generatePrivateKey())(`${gateway.url}/paid`);
  await response.arrayBuffer();
  return response.status;
}

function settlements(): number {
  return facilitator.requests.filter(({ endpoint }) => endpoint === 'settle').length;
}

/** How many payments a ledger that nothing has open holds. */
async function paymentsIn(file: string): Promise<number> {
  const reader = await openSqliteReader(file);
  const rows = await reader.list({}, undefined, 100);
  await reader.close();
  return rows.length;
}

/** A copy as `.backup` of the sqlite3 program makes it. */
function backUp(to: string): void {
  const database = new DatabaseSync(path());
  database.prepare('VACUUM INTO ?').run(to);
  database.close();
}

/** What an operator may do to the files, and what the gateway says of it. */
const DEEDS: Readonly<Record<string, { readonly deed: () => Promise<void>; readonly says: RegExp }>> = {
  'the file is removed': { deed: () => rm(path()), says: /ledger\.db was removed or renamed \(ENOENT\): put it back/ },
  'all its files are removed': {
    deed: async () => void (await Promise.all(['', '-wal', '-shm'].map((end) => rm(`${path()}${end}`)))),
    says: /ledger\.db was removed or renamed/,
  },
  'the file is renamed': {
    deed: () => rename(path(), join(home(), 'old.db')),
    says: /ledger\.db was removed or renamed/,
  },
  'the folder is renamed': { deed: () => rename(home(), join(folder, 'away')), says: /was removed or renamed/ },
  'a backup is put in its place': {
    deed: async () => {
      backUp(join(folder, 'backup.db'));
      await rename(join(folder, 'backup.db'), path());
    },
    says: /ledger\.db was replaced by another one: .*restart the gateway/,
  },
  'the -wal file is removed': {
    deed: () => rm(`${path()}-wal`),
    says: /ledger\.db-wal is not there any more \(ENOENT\): stop the gateway by SIGTERM/,
  },
  'the -shm file is replaced': {
    deed: async () => {
      await copyFile(`${path()}-shm`, join(folder, 'copy'));
      await rename(join(folder, 'copy'), `${path()}-shm`);
    },
    says: /ledger\.db-shm was replaced/,
  },
};

describe('the files of a SQLite ledger under a running gateway', () => {
  it.each(Object.entries(DEEDS))('nothing is sold and nothing charged when %s', async (_, { deed, says }) => {
    expect(await buy()).toBe(200);
    await deed();
    expect(await buy()).toBe(503);
    expect(settlements()).toBe(1);
    expect((await fetch(`${gateway.url}/free`)).status).toBe(200);
    await vi.waitFor(
      async () =>
        expect(await (await fetch(`${gateway.adminUrl}/readyz`)).json()).toMatchObject({
          degraded: [{ name: 'store' }],
        }),
      { timeout: 10_000 },
    );
    const outage = gateway.log.find(({ msg }) => msg === 'outage begins');
    expect(outage).toMatchObject({ store: 'ledger', cause: expect.stringMatching(says) });
    // One line for an operator, without a stack.
    expect(outage?.['cause']).not.toContain('\n');
  });

  it('sells again when the file is put back, and has every payment after a restart', async () => {
    expect(await buy()).toBe(200);
    await rename(home(), join(folder, 'away'));
    expect(await buy()).toBe(503);
    await rename(join(folder, 'away'), home());
    expect(await buy()).toBe(200);
    await vi.waitFor(() => expect(gateway.log.map(({ msg }) => msg)).toContain('outage is over'), { timeout: 10_000 });
    await gateway.close();
    expect(await paymentsIn(path())).toBe(2);
    await start();
  });

  it('completes a file that was renamed: it holds every payment without the files beside it', async () => {
    expect(await buy()).toBe(200);
    await rename(path(), join(folder, 'renamed.db'));
    expect(await buy()).toBe(503);
    expect(await paymentsIn(join(folder, 'renamed.db'))).toBe(1);
  });

  it('leaves a backup as it is that was put in the place of the file: the next start has its payments', async () => {
    expect(await buy()).toBe(200);
    backUp(join(folder, 'backup.db'));
    expect(await buy()).toBe(200);
    await rename(join(folder, 'backup.db'), path());
    expect(await buy()).toBe(503);
    await gateway.close();
    await start();
    expect(await buy()).toBe(200);
    await gateway.close();
    expect(await paymentsIn(path())).toBe(2);
    const database = new DatabaseSync(path());
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    database.close();
    await start();
  });

  it('saves at its end what a removed -wal file held', async () => {
    expect(await buy()).toBe(200);
    await rm(`${path()}-wal`);
    expect(await buy()).toBe(503);
    await gateway.close();
    expect(await paymentsIn(path())).toBe(1);
    await start();
  });

  it('sells nothing from a backup beside which the old -wal file was left, which damages it', async () => {
    await gateway.close();
    await rm(path());
    const claims = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => paymentClaim({ name: `${prefix}-${index}` }));
    const before = await openSqliteLedger(path());
    await Promise.all(claims('before', 400).map((claim) => before.claim(claim)));
    await before.close();
    await copyFile(path(), join(folder, 'backup.db'));
    const crashed = await openSqliteLedger(path());
    // More than SQLite leaves in the -wal file: the file itself has a part of it.
    for (let round = 0; round < 60; round += 1)
      await Promise.all(claims(`after-${round}`, 50).map((claim) => crashed.claim(claim)));
    await copyFile(`${path()}-wal`, join(folder, 'left-wal'));
    await crashed.close();
    await copyFile(join(folder, 'backup.db'), path());
    await rename(join(folder, 'left-wal'), `${path()}-wal`);

    await expect(start()).rejects.toThrow(/^the ledger's file does not fit the -wal file beside it/);
    await copyFile(join(folder, 'backup.db'), path());
    await Promise.all([rm(`${path()}-wal`), rm(`${path()}-shm`, { force: true })]);
    await start();
    expect(await buy()).toBe(200);
  });

  it('opens where all files were copied after a crash', async () => {
    expect(await buy()).toBe(200);
    for (const end of ['-wal', '-shm', '']) await copyFile(`${path()}${end}`, join(folder, `copy.db${end}`));
    const copy = await openSqliteLedger(join(folder, 'copy.db'));
    expect(await copy.list({}, undefined, 10)).toHaveLength(1);
    await copy.close();
  });

  it('is not written any more once a part of it was found damaged', async () => {
    const damaged = join(folder, 'damaged.db');
    const sound = await openSqliteLedger(damaged);
    await Promise.all(Array.from({ length: 400 }, (_, index) => sound.claim(paymentClaim({ name: `${index}` }))));
    await sound.close();
    const bytes = await readFile(damaged);
    await writeFile(damaged, bytes.fill(0xff, bytes.length / 2));
    const ledger = await openSqliteLedger(damaged);
    await expect(ledger.list({}, undefined, 400)).rejects.toMatchObject({ code: 'store_unavailable' });
    const cause = { message: expect.stringContaining('is damaged: stop the gateway') };
    await expect(ledger.beat('somebody', 1)).rejects.toMatchObject({ code: 'store_unavailable', cause });
    await ledger.close();
  });

  it('is noticed at each write, by the ledger alone', async () => {
    const ledger = await openSqliteLedger(path());
    await rm(path());
    await expect(ledger.beat('somebody', 1)).rejects.toMatchObject({ code: 'store_unavailable' });
    await ledger.close();
  });
});
