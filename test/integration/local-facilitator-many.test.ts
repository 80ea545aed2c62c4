import { type Hex, isAddressEqual } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import { MULTICALL3 } from '../../src/evm/addresses.ts';
import type { Facilitator, Journal } from '../../src/facilitator/facilitator.ts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { type MadePayment, makePayment, PRICE } from '../contract/facilitator-payments.ts';
import { clientOf, type Devnet, freshPayer, setBalance, startDevnet } from '../support/devnet.ts';
import { openLimitedNode, type RpcCall, type RpcError } from '../support/limited-node.ts';
import { localSpec } from '../support/local-spec.ts';
import { settleInFull } from '../support/settle-in-full.ts';

/** Payments that fill a transaction. */
const FULL = 16;

let devnet: Devnet;
let key: Hex;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
});
beforeEach(async () => {
  key = generatePrivateKey();
  await setBalance(devnet, privateKeyToAccount(key).address, 10n ** 18n);
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(() => devnet.close());

describe('payments enough for several transactions', () => {
  it('are tried while the transaction before them is written down, and each payee has exactly the price', async () => {
    const made = await makePayments(2 * FULL);
    const { promise: bothTried, resolve } = Promise.withResolvers<void>();
    const { facilitator, calls } = await openThrough(() => {
      if (calls.filter(isTrial).length === 2) resolve();
      return undefined;
    });
    const outcomes = await settleAll(facilitator, made, () => bothTried);
    expect(new Set(outcomes.map(transactionOf)).size).toBe(2);
    expect(await received(made)).toEqual(Array(2 * FULL).fill(PRICE));
    expect(calls.filter(({ method }) => method === 'eth_sendRawTransaction')).toHaveLength(2);
  });

  it('leave the rest to be gathered: it is sent together when nothing else is on its way to the node', async () => {
    const made = await makePayments(FULL + 3);
    const { facilitator } = await openThrough();
    const first = settleAll(facilitator, made.slice(0, FULL + 1));
    const [last] = await Promise.all([settleAll(facilitator, made.slice(FULL + 1)), first]);
    const outcomes = [...(await first), ...last];
    const transactions = outcomes.map(transactionOf);
    expect(new Set(transactions).size).toBe(2);
    expect(new Set(transactions.slice(FULL)).size).toBe(1);
    expect(await received(made)).toEqual(Array(FULL + 3).fill(PRICE));
  });
});

describe('before payments share a transaction', () => {
  it('the node is asked once for the code of a buyer who pays several times', async () => {
    const payer = await freshPayer(devnet);
    const made = await Promise.all(Array.from({ length: 6 }, () => makePayment(devnet, 'eip3009', payer)));
    const { facilitator, calls } = await openThrough();
    const outcomes = await settleAll(facilitator, made);
    expect(new Set(outcomes.map(transactionOf)).size).toBe(1);
    const asked = calls.filter(({ method, params: [of] }) => {
      return method === 'eth_getCode' && isAddressEqual(of as Hex, payer.address);
    });
    expect(asked).toHaveLength(1);
  });

  it('an account with code takes no part, and the node may refuse to try it with the others', async () => {
    const made = await makePayments(4);
    const coded = made[1]?.payer.address;
    if (coded === undefined) throw new Error('one payment was lost');
    await clientOf(devnet).setCode({ address: coded, bytecode: '0x5b600056' });
    const { facilitator } = await openThrough((call) => {
      const [tried] = call.params as [{ data?: Hex }];
      const isIn = isTrial(call) && tried.data?.includes(coded.slice(2).toLowerCase()) === true;
      return isIn ? { code: -32603, message: 'internal error' } : undefined;
    });
    const outcomes = await settleAll(facilitator, made);
    expect(outcomes[1]).toMatchObject({ kind: 'failed' });
    expect(new Set(outcomes.filter((_, index) => index !== 1).map(transactionOf)).size).toBe(1);
    expect(await received(made)).toEqual([PRICE, 0n, PRICE, PRICE]);
  });
});

async function makePayments(count: number): Promise<MadePayment[]> {
  return await Promise.all(Array.from({ length: count }, () => makePayment(devnet)));
}

/** A facilitator whose node answers some calls with an error. */
async function openThrough(refuse: (call: RpcCall) => RpcError | undefined = () => undefined) {
  const node = await openLimitedNode(devnet.rpcUrl, refuse);
  closers.push(() => node.close());
  const facilitator = openLocalFacilitator(localSpec({ network: devnet.network, rpcUrl: node.url }, key));
  closers.push(() => facilitator.close());
  return { facilitator, calls: node.calls };
}

async function settleAll(
  facilitator: Facilitator,
  made: readonly MadePayment[],
  journal: Journal = async () => {},
): Promise<SettlementOutcome[]> {
  return await Promise.all(made.map(({ payment }) => settleInFull(facilitator, payment, journal)));
}

/** Whether a call tries a shared transaction. */
function isTrial({ method, params: [call] }: RpcCall): boolean {
  return method === 'eth_call' && (call as { to?: string }).to?.toLowerCase() === MULTICALL3;
}

function transactionOf(outcome: SettlementOutcome): string {
  if (outcome.kind !== 'settled') throw new Error(`not settled: ${outcome.reason}`);
  return outcome.settlement.transaction;
}

async function received(made: readonly MadePayment[]): Promise<bigint[]> {
  return await Promise.all(made.map((payment) => payment.received()));
}
