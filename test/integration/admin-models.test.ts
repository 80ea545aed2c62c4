import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { NOW } from '../contract/ledger-scene.ts';
import { adminWithToken, putMeteredPayment, putPayment, readAdmin } from '../support/admin.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'turnpike-models-'));
const file = join(folder, 'ledger.db');
let gateway: TestGateway;

beforeAll(async () => {
  const store = await openSqliteLedger(file, { clock: () => NOW });
  const calls = ['gpt-5-mini', 'gpt-5-mini', 'claude-9', undefined, 'claude-9', 'gpt-5-mini'];
  // Of a few days, another amount each time.
  for (const [index, model] of calls.entries()) {
    await putMeteredPayment(store, {
      name: `0x${index}`,
      claimedAt: NOW - index * DAY_MS,
      model,
      amount: BigInt(1000 + index),
    });
  }
  await putPayment(store, { name: '0xplain' }, 'settling', 'delivered');
  await store.close();
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

/** What `turnpike ledger usage --json` says has moved, by model, in atomic units. */
async function settledOfCommand(): Promise<Map<string, bigint>> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const written = text(stdout);
  const argv = ['ledger', 'usage', '--json', '--store', `sqlite:${file}`];
  await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  stdout.end();
  const { lines }: { lines: { model: string | null; settledAtomic: string }[] } = JSON.parse(await written);
  const sums = new Map<string, bigint>();
  for (const { model, settledAtomic } of lines) {
    const name = model ?? 'no model named';
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(settledAtomic));
  }
  return sums;
}

it('tells what each model earned as `turnpike ledger usage` does, to the unit, and the same when it is asked again', async () => {
  const told = await settledOfCommand();
  expect(told.size).toBe(3);
  for (const _turn of [1, 2]) {
    const { byModel } = await readAdmin(gateway.adminUrl, '/api/revenue?days=30');
    const sums = byModel.map(({ name, money }: { name: string; money: { amount: string }[] }) => [
      name,
      BigInt((money[0]?.amount ?? '').replace('0.', '')),
    ]);
    expect(new Map(sums)).toEqual(told);
    expect(byModel[0]).toMatchObject({ name: 'gpt-5-mini', money: [{ symbol: 'USDC', settled: 3, open: 0 }] });
  }
  const { byModel } = await readAdmin(gateway.adminUrl, '/api/revenue?days=1');
  expect(byModel).toEqual([{ name: 'gpt-5-mini', money: [{ symbol: 'USDC', amount: '0.001', settled: 1, open: 0 }] }]);
});
