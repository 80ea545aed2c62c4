import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Network } from '../../src/domain/network.ts';
import type { PaymentKey } from '../../src/domain/payment.ts';
import { encodeUsage } from '../../src/domain/usage.ts';
import type { HoldId } from '../../src/store/balances.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { balanceSale } from '../contract/balances.contract.ts';
import { NOW } from '../contract/ledger-scene.ts';
import { adminWithToken, putMeteredPayment, putPayment, readAdmin, USDC } from '../support/admin.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const DAY_MS = 86_400_000;
const BOUGHT = 250_000n;
/** Charges of calls that a balance paid; `undefined`: the call failed. */
const DRAWN = [3_000, 41, undefined, 0];
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
  await putBalance(store);
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

/** A balance that was bought for 0.25 USDC, and three calls that it paid; one more failed. */
async function putBalance(store: PaymentStore): Promise<void> {
  const paymentKey = (await putPayment(
    store,
    { name: '0xbought', amount: BOUGHT },
    'settling',
    'delivered',
  )) as PaymentKey;
  const { balances } = store.passes;
  const currency = { network: 'eip155:84532' as Network, asset: USDC, symbol: 'USDC', decimals: 6 };
  const sale = balanceSale(Number(BOUGHT));
  const pass = await store.passes.grant({ ...sale, paymentKey, balance: currency }, NOW);
  for (const [index, charge] of DRAWN.entries()) {
    const id = `hold-${index}` as HoldId;
    await balances.hold({ id, pass: pass.id, most: 50_000, owner: 'here', route: 'chat', requestId: `r${index}` }, NOW);
    const usage = encodeUsage({
      ...{ meter: 'openai', model: 'claude-9', stated: undefined, missing: undefined, guessed: false, end: 'complete' },
      ...{ figures: new Map([['output', { digits: 5n, scale: 0 }]]), rates: new Map(), min: '0' },
    });
    await balances.draw(id, charge === undefined ? { charge: 0 } : { charge, usage }, NOW);
  }
}

afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a command of `turnpike ledger` writes. */
async function command(...argv: readonly string[]): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const written = text(stdout);
  const all = ['ledger', ...argv, '--store', `sqlite:${file}`];
  await run(all, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  stdout.end();
  stderr.end();
  return (await written) + (await text(stderr));
}

interface UsageLine {
  readonly model: string | null;
  readonly calls: number;
  readonly used: Readonly<Record<string, string>>;
  readonly chargedAtomic: string;
  readonly settledAtomic: string;
  readonly ofBalances: { readonly calls: number; readonly chargedAtomic: string };
}

async function usageLines(): Promise<readonly UsageLine[]> {
  const { lines }: { lines: readonly UsageLine[] } = JSON.parse(await command('usage', '--json'));
  return lines;
}

/** What `turnpike ledger usage --json` says has moved, by model, in atomic units. */
async function settledOfCommand(): Promise<Map<string, bigint>> {
  const lines = await usageLines();
  const sums = new Map<string, bigint>();
  for (const { model, settledAtomic } of lines) {
    const name = model ?? 'no model named';
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(settledAtomic));
  }
  return sums;
}

it('the admin page shows what each model earned as `turnpike ledger usage` does, to the unit, also when asked again', async () => {
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

it('`turnpike ledger usage` counts charges paid by balances once; their money stays with the purchase of the balance', async () => {
  const lines = await usageLines();
  const drawn = lines.reduce((sum, { ofBalances }) => sum + BigInt(ofBalances.chargedAtomic), 0n);
  const [charged, settled] = [lines.map((line) => line.chargedAtomic), lines.map((line) => line.settledAtomic)].map(
    (sums) => sums.reduce((sum, amount) => sum + BigInt(amount), 0n),
  );
  expect(drawn).toBe(3_041n);
  expect(charged).toBe((settled ?? 0n) + drawn);
  const today = lines.find(({ ofBalances }) => ofBalances.calls > 0);
  expect(today).toMatchObject({ model: 'claude-9', calls: 3, used: { output: '15' }, ofBalances: { calls: 3 } });
  // What moved: the metered payments, a plain one, and the balance.
  const { totals }: { totals: { amountAtomic: string }[] } = JSON.parse(await command('summary', '--json'));
  expect(totals.map(({ amountAtomic }) => BigInt(amountAtomic))).toEqual([(settled ?? 0n) + 10_000n + BOUGHT]);
  const shown = await command('usage');
  expect(shown).toMatch(/CHARGED +OF BALANCES$/m);
  expect(shown).toContain('was paid when the balances were bought');
  expect(await command('usage', '--state', 'delivered')).not.toContain('OF BALANCES');
});

it('the admin page shows what balances paid apart from the revenue', async () => {
  const { usedOfBalances, money } = await readAdmin(gateway.adminUrl, '/api/revenue?days=30');
  expect(usedOfBalances).toEqual([
    { name: 'claude-9', money: [{ symbol: 'USDC', amount: '0.003041', settled: 3, open: 0 }] },
  ]);
  const { totals }: { totals: { amount: string }[] } = JSON.parse(await command('summary', '--json'));
  expect(money[0].amount).toBe(totals[0]?.amount);
});
