import { encodeFunctionData, type Hex, parseAbi, parseTransaction } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LocalFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import { GatewayError } from '../../src/domain/gateway-error.ts';
import type { SettlementAttempt } from '../../src/domain/payment-record.ts';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import { MULTICALL3 } from '../../src/evm/addresses.ts';
import type { Facilitator, Journal } from '../../src/facilitator/facilitator.ts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { type MadePayment, makePayment, notebook, PRICE, STRANGER } from '../contract/facilitator-payments.ts';
import { clientOf, type Devnet, freshPayer, type Payer, setBalance, startDevnet } from '../support/devnet.ts';
import { openLimitedNode } from '../support/limited-node.ts';
import { localSpec } from '../support/local-spec.ts';
import { settleInFull } from '../support/settle-in-full.ts';

/** A ledger that takes everything. */
const written: Journal = async () => {};

let devnet: Devnet;
let key: Hex;
const opened: Facilitator[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
});
beforeEach(async () => {
  key = generatePrivateKey();
  await setBalance(devnet, privateKeyToAccount(key).address, 10n ** 18n);
});
afterAll(async () => {
  await Promise.all(opened.map((facilitator) => facilitator.close()));
  await devnet.close();
});

describe('payments that come together', () => {
  it('are sent in one transaction, and each payee has exactly the price', async () => {
    const made = await makePayments(10);
    const transactions = transactionsOf(await settleAll(open(), made));
    expect(transactions.filter((hash) => hash !== undefined)).toHaveLength(10);
    expect(new Set(transactions).size).toBe(1);
    expect(await received(made)).toEqual(Array(10).fill(PRICE));
  });

  it('leave behind the one that cannot be settled, with its own reason', async () => {
    const made = await makePayments(6);
    await made[2]?.cancel();
    const outcomes = await settleAll(open(), made);
    expect(outcomes[2]).toEqual({ kind: 'failed', reason: 'invalid_exact_evm_nonce_already_used' });
    const others = transactionsOf(outcomes).filter((_, index) => index !== 2);
    expect(new Set(others).size).toBe(1);
    expect(others[0]).toBeDefined();
    expect(await received(made)).toEqual([PRICE, PRICE, 0n, PRICE, PRICE, PRICE]);
  });

  it('are settled although one payer cancels the nonce after the gas estimate', async () => {
    const made = await makePayments(5);
    const outcomes = await whileNothingIsMined(async (mine) => {
      const settling = settleAll(open(), made);
      await ourTransactionWaits();
      await sendFirst(await made[1]?.cancelCall());
      await mine();
      return await settling;
    });
    expect(outcomes[1]).toEqual({ kind: 'failed', reason: 'invalid_exact_evm_nonce_already_used' });
    expect(outcomes.filter(({ kind }) => kind === 'settled')).toHaveLength(4);
    expect(await received(made)).toEqual([PRICE, 0n, PRICE, PRICE, PRICE]);
  });

  it('are each settled by their own events when a stranger sent one of them ahead of us', async () => {
    const made = await makePayments(4);
    let foreign: Hex | undefined;
    const outcomes = await whileNothingIsMined(async (mine) => {
      const settling = settleAll(open(), made);
      await ourTransactionWaits();
      foreign = await sendFirst(made[3]?.frontRunCall());
      await mine();
      return await settling;
    });
    const transactions = transactionsOf(outcomes);
    expect(transactions[3]).toBe(foreign);
    expect(new Set(transactions).size).toBe(2);
    expect(await received(made)).toEqual(Array(4).fill(PRICE));
  });

  it('are sent again by themselves when one of them burnt the gas of all', async () => {
    const made = await makePayments(4);
    const outcomes = await whileNothingIsMined(async (mine) => {
      const settling = settleAll(open(), made);
      await ourTransactionWaits();
      await burnGasAt(made[0]?.payer.address);
      await mine();
      return await settling;
    });
    expect(outcomes[0]).toMatchObject({ kind: 'failed' });
    expect(outcomes.slice(1).map(({ kind }) => kind)).toEqual(['settled', 'settled', 'settled']);
    expect(await received(made)).toEqual([0n, PRICE, PRICE, PRICE]);
  });

  it('burn gas once when one transfer of their payer makes them all fail, and none in the next round', async () => {
    const burnt: bigint[] = [];
    const facilitator = open({}, (gas) => burnt.push(gas));
    const payer = await freshPayer(devnet);
    const first = await paymentsOf(payer, 8);
    const ends = await whileNothingIsMined(async (mine) => {
      const settling = trySettling(facilitator, first);
      await ourTransactionWaits();
      await moveEverything(payer);
      await mine();
      return await settling;
    });
    expect(ends).not.toContain('settled');
    // A transaction that was to move their money was sent: no outcome may say that nothing was sent.
    expect(ends).not.toContain('facilitator_overloaded');
    expect(ends).toContain('unknown');
    expect(burnt).toHaveLength(8);
    const sent = await transactionsSent();
    expect(sent).toBe(1);
    await devnet.mint(payer.address, 1_000_000n);
    const again = await trySettling(facilitator, await paymentsOf(payer, 8));
    expect(again).toEqual(Array(8).fill('facilitator_overloaded'));
    expect(await transactionsSent()).toBe(sent);
    expect(burnt).toHaveLength(8);
    // Only this payer caused it.
    const [other] = await makePayments(1);
    if (other === undefined) throw new Error('one payment was lost');
    expect(await settleInFull(facilitator, other.payment, written)).toMatchObject({ kind: 'settled' });
  });

  it('are each sent alone where the node refuses their transaction, as rollups do when data is dear', async () => {
    const made = await makePayments(3);
    const node = await openLimitedNode(devnet.rpcUrl, ({ method, params: [raw] }) => {
      if (method !== 'eth_sendRawTransaction') return undefined;
      const isShared = parseTransaction(raw as Hex).to?.toLowerCase() === MULTICALL3;
      return isShared ? { code: -32000, message: 'intrinsic gas too low' } : undefined;
    });
    const facilitator = open({ rpc: new Map([[devnet.network, node.url]]) });
    const transactions = transactionsOf(await settleAll(facilitator, made));
    expect(new Set(transactions).size).toBe(3);
    expect(await received(made)).toEqual(Array(3).fill(PRICE));
    expect([await transactionsSent(), node.refused]).toEqual([3, 1]);
    await node.close();
  });

  it('are counted with all that they may take when they fail, where data is counted as gas', async () => {
    const [made] = await makePayments(1);
    if (made === undefined) throw new Error('one payment was lost');
    const node = await openLimitedNode(devnet.rpcUrl, ({ method, params: [call] }) => {
      if (method !== 'eth_estimateGas') return undefined;
      const isEnough = BigInt((call as { gas: Hex }).gas) >= 400_000n;
      return isEnough ? { result: '0x61a80' } : { code: -32000, message: 'gas required exceeds allowance' };
    });
    const burnt: bigint[] = [];
    const facilitator = open({ rpc: new Map([[devnet.network, node.url]]) }, (gas) => burnt.push(gas));
    const outcome = await whileNothingIsMined(async (mine) => {
      const settling = settleInFull(facilitator, made.payment, written);
      await ourTransactionWaits();
      await moveEverything(made.payer);
      await mine();
      return await settling;
    });
    expect(outcome).toMatchObject({ kind: 'failed' });
    expect(burnt).toEqual([520_000n]);
    await node.close();
  });

  it('do not share a transaction with an account that has code', async () => {
    const made = await makePayments(3);
    await burnGasAt(made[0]?.payer.address);
    const outcomes = await settleAll(open(), made);
    expect(outcomes[0]).toMatchObject({ kind: 'failed' });
    expect(new Set(transactionsOf(outcomes.slice(1))).size).toBe(1);
    expect(await received(made)).toEqual([0n, PRICE, PRICE]);
  });
});

describe('the record of a shared transaction', () => {
  it('has the transaction hash for every payment before the bytes for any', async () => {
    const made = await makePayments(4);
    const entries: { index: number; bytes: boolean }[] = [];
    const facilitator = open();
    await Promise.all(
      made.map(({ payment }, index) =>
        settleInFull(
          facilitator,
          payment,
          async ({ data }) => void entries.push({ index, bytes: data.includes('"raw"') }),
        ),
      ),
    );
    expect(entries.map(({ bytes }) => bytes)).toEqual([...Array(4).fill(false), ...Array(4).fill(true)]);
    expect(new Set(entries.slice(0, 4).map(({ index }) => index)).size).toBe(4);
  });

  it('decides what is sent: a payment that cannot be recorded is left out, and the others are sent', async () => {
    const made = await makePayments(4);
    const facilitator = open();
    const broken = new GatewayError('store_unavailable');
    const ends = await Promise.allSettled(
      made.map(({ payment }, index) =>
        settleInFull(facilitator, payment, index === 1 ? () => Promise.reject(broken) : written),
      ),
    );
    expect(ends[1]).toEqual({ status: 'rejected', reason: broken });
    expect(await received(made)).toEqual([PRICE, 0n, PRICE, PRICE]);
  });

  it('keeps it from being sent when the bytes cannot be stored, and no payment is released', async () => {
    const made = await makePayments(3);
    const facilitator = open();
    const broken = new GatewayError('store_unavailable');
    const ends = await Promise.allSettled(
      made.map(({ payment }, index) =>
        settleInFull(facilitator, payment, async ({ data }) => {
          if (index === 1 && data.includes('"raw"')) throw broken;
        }),
      ),
    );
    expect(ends).toEqual(Array(3).fill({ status: 'rejected', reason: broken }));
    expect(await received(made)).toEqual([0n, 0n, 0n]);
  });

  it('lets recovery finish all of them from one payment that has the bytes', async () => {
    const made = await makePayments(3);
    const attempts = await crashAfter(made, (index) => (index === 0 ? 'sealed' : 'announced'));
    const next = open();
    const [sealed, ...announced] = made.map(({ payment }, index) => {
      return { payment, amount: payment.offer.amount, attempt: attempts[index], since: Date.now() };
    });
    for (const settlement of announced) {
      expect(await next.resolve(settlement, signal())).toMatchObject({ kind: 'unknown' });
    }
    expect(await received(made)).toEqual([0n, 0n, 0n]);
    for (const settlement of [sealed, ...announced]) {
      if (settlement === undefined) throw new Error('three payments were lost');
      await vi.waitFor(async () => expect(await next.resolve(settlement, signal())).toMatchObject({ kind: 'settled' }));
    }
    expect(await received(made)).toEqual([PRICE, PRICE, PRICE]);
  });

  it('never releases a payment while another payment of the transaction can still send it', async () => {
    const made = await makePayments(2);
    const [, announced] = await crashAfter(made, (index) => (index === 0 ? 'sealed' : 'announced'));
    const settlement = { payment: made[1]?.payment, attempt: announced, since: Date.now() };
    if (settlement.payment === undefined) throw new Error('two payments were lost');
    const open1 = { ...settlement, payment: settlement.payment, amount: settlement.payment.offer.amount };
    expect(await open().resolve(open1, signal())).toMatchObject({ kind: 'unknown' });
    // When another transaction has used its number finally, no other payment can send it.
    const account = privateKeyToAccount(key);
    await clientOf(devnet).sendTransactionSync({ account, to: account.address, value: 1n });
    await clientOf(devnet).mine({ blocks: 5 });
    expect(await open().resolve(open1, signal())).toMatchObject({ kind: 'failed', reason: 'settlement_replaced' });
  });
});

async function makePayments(count: number): Promise<MadePayment[]> {
  return await Promise.all(Array.from({ length: count }, () => makePayment(devnet)));
}

async function paymentsOf(payer: Payer, count: number): Promise<MadePayment[]> {
  return await Promise.all(Array.from({ length: count }, () => makePayment(devnet, 'eip3009', payer)));
}

/** What became of each: the kind of its outcome, or the code of what it was declined with. */
async function trySettling(facilitator: Facilitator, made: readonly MadePayment[]): Promise<string[]> {
  return await Promise.all(
    made.map(async ({ payment }) => {
      try {
        return (await settleInFull(facilitator, payment, written)).kind;
      } catch (fault) {
        if (fault instanceof GatewayError) return fault.code;
        throw fault;
      }
    }),
  );
}

/** The payer's own transfer of all it has, mined ahead of our transaction. */
async function moveEverything(payer: Payer): Promise<void> {
  await setBalance(devnet, payer.address, 10n ** 18n);
  const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)']);
  const data = encodeFunctionData({ abi, args: [STRANGER, await devnet.usdcBalanceOf(payer.address)] });
  const tip = { maxFeePerGas: 500n * 10n ** 9n, maxPriorityFeePerGas: 400n * 10n ** 9n, gas: 200_000n };
  await clientOf(devnet).sendTransaction({ account: privateKeyToAccount(payer.key), to: devnet.usdc, data, ...tip });
}

async function transactionsSent(): Promise<number> {
  return await clientOf(devnet).getTransactionCount({ address: privateKeyToAccount(key).address });
}

async function settleAll(facilitator: Facilitator, made: readonly MadePayment[]): Promise<SettlementOutcome[]> {
  return await Promise.all(made.map(({ payment }) => settleInFull(facilitator, payment, written)));
}

function transactionsOf(outcomes: readonly SettlementOutcome[]): (string | undefined)[] {
  return outcomes.map((outcome) => (outcome.kind === 'settled' ? outcome.settlement.transaction : undefined));
}

async function received(made: readonly MadePayment[]): Promise<bigint[]> {
  return await Promise.all(made.map((payment) => payment.received()));
}

/** Runs something between the send of our transaction and its block. */
async function whileNothingIsMined<T>(run: (mine: () => Promise<void>) => Promise<T>): Promise<T> {
  const client = clientOf(devnet);
  await client.setAutomine(false);
  await client.setIntervalMining({ interval: 0 });
  try {
    return await run(async () => {
      await client.mine({ blocks: 1 });
      await client.setAutomine(true);
    });
  } finally {
    await client.setIntervalMining({ interval: 2 });
    await client.setAutomine(true);
  }
}

async function ourTransactionWaits(): Promise<void> {
  const { address } = privateKeyToAccount(key);
  const client = clientOf(devnet);
  await vi.waitFor(async () => {
    if ((await client.getTransactionCount({ address, blockTag: 'pending' })) === 0) throw new Error('not sent yet');
  }, 5_000);
}

/** Sends a call to the token that is mined ahead of ours. */
async function sendFirst(data: Hex | undefined): Promise<Hex> {
  if (data === undefined) throw new Error('there is no such payment');
  const tip = { maxFeePerGas: 500n * 10n ** 9n, maxPriorityFeePerGas: 400n * 10n ** 9n, gas: 200_000n };
  return await clientOf(devnet).sendTransaction({ account: STRANGER, to: devnet.usdc, data, ...tip });
}

/** Turns an account into one with code that burns all the gas it gets when it is asked about its signature. */
async function burnGasAt(address: Hex | undefined): Promise<void> {
  if (address === undefined) throw new Error('there is no such payment');
  await clientOf(devnet).setCode({ address, bytecode: '0x5b600056' });
}

/** A process that dies with a shared transaction written down so far, and not sent. */
async function crashAfter(
  made: readonly MadePayment[],
  last: (index: number) => 'announced' | 'sealed',
): Promise<SettlementAttempt[]> {
  const facilitator = open();
  const books = made.map(() => notebook());
  const ends = await Promise.allSettled(
    made.map(({ payment }, index) =>
      settleInFull(facilitator, payment, async (attempt) => {
        if (attempt.data.includes('"raw"') && last(index) === 'announced') throw new Error('crashed');
        await books[index]?.write(attempt);
      }),
    ),
  );
  expect(ends.map(({ status }) => status)).toEqual(made.map(() => 'rejected'));
  await facilitator.close();
  return books.map((book) => book.last());
}

function signal(): AbortSignal {
  return AbortSignal.timeout(5_000);
}

function open(change: Partial<LocalFacilitatorSpec> = {}, burnt: (gas: bigint) => void = () => {}): Facilitator {
  const spec = localSpec(devnet, key, change);
  const facilitator = openLocalFacilitator(spec, { onFailedGas: (_name, _network, gas) => burnt(gas) });
  opened.push(facilitator);
  return facilitator;
}
