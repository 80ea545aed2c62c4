import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, type Devnet, startDevnet } from '../support/devnet.ts';
import { encodePayment, handSigned, type PaymentParts } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** More payments than the payer has money for: the number of unpaid answers stays within the limits. */

const PRICE = 1000n;
const COPIES = 40;
const PER_PAYER = 3;
/** On a busy machine many of these settlements reach the chain and fail there: the limit of their gas would refuse the rest. */
const UNLIMITED_GAS = '    failedGasPerPayer: 1000000000\n    failedGas: 1000000000\n';
let devnet: Devnet;
let siege: Siege;

beforeAll(async () => {
  devnet = await startDevnet();
  siege = await laySiege(
    `
deferred: { maxUnsettled: 5, maxUnsettledPerPayer: ${PER_PAYER} }
limits: { refusalsPerMinute: 1000 } # every buyer here has the same address
routes:
  - { path: /deferred, price: $0.001, settle: deferred }
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
`,
    { devnet, head: (upstream) => settings(devnet, upstream).replace('  local:\n', `  local:\n${UNLIMITED_GAS}`) },
  );
});
afterAll(async () => {
  await siege.close();
  await devnet.close();
});

/** Payments of an account that has the money for `worth` of them. */
async function wallet(path: string, count: number, worth: bigint): Promise<PaymentParts[]> {
  const key = generatePrivateKey();
  await devnet.mint(privateKeyToAccount(key).address, worth * PRICE);
  const quote = await siege.quote(path);
  return await Promise.all(Array.from({ length: count }, () => handSigned(key, quote)));
}

async function paid(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

async function buy(path: string, payments: readonly PaymentParts[]): Promise<number[]> {
  const answers = await Promise.all(payments.map((each) => siege.ask(lastRequest(`GET ${path}`, [paying(each)]))));
  return answers.map(statusOf);
}

function served(statuses: readonly number[]): bigint {
  return BigInt(statuses.filter((status) => status === 200).length);
}

describe('a payer with the money for one of forty simultaneous calls', () => {
  it.each(['/after', '/before'])('gets one answer at %s, and is charged for it', async (path) => {
    const payments = await wallet(path, COPIES, 1n);
    const before = await paid();
    const statuses = await buy(path, payments);
    expect(served(statuses)).toBe(1n);
    expect((await paid()) - before).toBe(PRICE);
  });

  it('leaves no response open at the API for the large answers that it does not pay for', async () => {
    let open = 0;
    siege.answer((_req, res) => {
      open += 1;
      res.once('close', () => {
        open -= 1;
      });
      // More than all buffers between the API and the client hold.
      res.end(Buffer.alloc(8 * 1024 * 1024));
    });
    const statuses = await buy('/after', await wallet('/after', COPIES, 1n));
    expect(served(statuses)).toBe(1n);
    await expect.poll(() => open).toBe(0);
    siege.answer((_req, res) => res.end('served'));
  });

  it('makes the API work once at a route that settles before the call', async () => {
    const payments = await wallet('/before', COPIES, 1n);
    const before = siege.seen.length;
    await buy('/before', payments);
    expect(siege.seen.length - before).toBe(1);
  });

  it('gets no more unpaid answers than the bound allows, even while nothing is settled', async () => {
    const payments = await wallet('/deferred', COPIES, 1n);
    const before = { money: await paid(), seen: siege.seen.length };
    const chain = clientOf(devnet);
    await Promise.all([chain.setAutomine(false), chain.setIntervalMining({ interval: 0 })]);
    const bought = buy('/deferred', payments);
    // Above the limit, the API is asked before the money: when all calls reached the API, all have passed the credit check.
    await siege.asked(before.seen + COPIES);
    await chain.setAutomine(true);
    await chain.mine({ blocks: 1 });
    const unpaid = served(await bought) - ((await paid()) - before.money) / PRICE;
    expect(unpaid).toBeLessThanOrEqual(BigInt(PER_PAYER));
    expect(served(await bought)).toBeGreaterThan(0n);
    await expect.poll(async () => (await paid()) - before.money).toBe(PRICE);
  });

  it('gets no more credit for a debt that is not paid, round after round', async () => {
    const key = generatePrivateKey();
    const { address } = privateKeyToAccount(key);
    const quote = await siege.quote('/deferred');
    const before = await paid();
    let answers = 0n;
    let bought = 0n;
    // One price each round, and four calls at once: if each round began without debt, this would never end.
    for (let round = 0; round < 6; round += 1) {
      await devnet.mint(address, PRICE);
      const payments = await Promise.all(Array.from({ length: 4 }, () => handSigned(key, quote)));
      answers += served(await buy('/deferred', payments));
      bought += 1n;
      await expect.poll(async () => (await paid()) - before).toBe(bought * PRICE);
    }
    expect(answers - bought).toBeLessThanOrEqual(BigInt(PER_PAYER));
  });

  it('gets no more credit for answers that it breaks off before their last byte, round after round', async () => {
    const key = generatePrivateKey();
    const { address } = privateKeyToAccount(key);
    const quote = await siege.quote('/deferred');
    const before = await paid();
    // The last byte never comes: so the client never has the whole answer.
    siege.answer((_req, res) => void res.write('all but the last byte'));
    const read = async (payment: PaymentParts): Promise<boolean> => {
      const leaving = new AbortController();
      const headers = { 'PAYMENT-SIGNATURE': encodePayment(payment) };
      const response = await fetch(`${siege.gateway.url}/deferred`, { headers, signal: leaving.signal });
      leaving.abort();
      return response.status === 200;
    };
    let answers = 0n;
    let bought = 0n;
    for (let round = 0; round < 6; round += 1) {
      await devnet.mint(address, PRICE);
      const payments = await Promise.all(Array.from({ length: 4 }, () => handSigned(key, quote)));
      const had = await Promise.all(payments.map(read));
      answers += BigInt(had.filter((whole) => whole).length);
      bought += 1n;
      await expect.poll(async () => (await paid()) - before).toBe(bought * PRICE);
    }
    siege.answer((_req, res) => res.end('served'));
    expect(answers - bought).toBeLessThanOrEqual(BigInt(PER_PAYER));
  });

  it('gets no second answer for a payment that it did not honour', async () => {
    const payments = await wallet('/deferred', COPIES, 1n);
    const before = await paid();
    const first = await buy('/deferred', payments);
    await expect.poll(async () => (await paid()) - before).toBe(PRICE);
    const seen = siege.seen.length;
    const again = await buy(
      '/deferred',
      payments.filter((_payment, index) => first[index] === 200),
    );
    expect(served(again)).toBe(0n);
    expect(siege.seen.length).toBe(seen);
  });
});
