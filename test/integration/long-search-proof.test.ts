import { parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Payment } from '../../src/domain/payment.ts';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import type { Facilitator } from '../../src/facilitator/facilitator.ts';
import { openChainWitness } from '../../src/facilitator/remote/chain-witness.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { describeCause } from '../../src/observe/cause.ts';
import { families } from '../../src/registry.ts';
import { makePayment, PRICE } from '../contract/facilitator-payments.ts';
import { approvePermit2, clientOf, type Devnet, freshPayer, setBalance, startDevnet } from '../support/devnet.ts';
import { type LimitedNode, openLimitedNode, type RpcCall } from '../support/limited-node.ts';
import { send, settleCall } from '../support/wrapped-permits.ts';

/*
 * Searches that one look cannot end: nodes take few blocks at once, and some payers pay often.
 */

let devnet: Devnet;
const nodes: LimitedNode[] = [];
const opened: Facilitator[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
  // As old as real chains are to a search: a minute and a half before the payments.
  await clientOf(devnet).mine({ blocks: 300 });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((facilitator) => facilitator.close()));
  await Promise.all(nodes.splice(0).map((node) => node.close()));
});
afterAll(() => devnet.close());

/** How many blocks a call asks for events. */
function blocksOf({ params: [filter] }: RpcCall): number {
  const { fromBlock, toBlock } = filter as { readonly fromBlock: string; readonly toBlock: string };
  return Number(toBlock) - Number(fromBlock) + 1;
}

/** A node that takes so many blocks at once. */
async function nodeTaking(most: number, message = `requests with up to a ${most} block range`): Promise<LimitedNode> {
  const node = await openLimitedNode(devnet.rpcUrl, (call) =>
    call.method === 'eth_getLogs' && blocksOf(call) > most ? { code: -32600, message } : undefined,
  );
  nodes.push(node);
  return node;
}

/** Looks until the doubt has ended, as recovery does; no longer than so many times. */
async function looks(payment: Payment, node: LimitedNode, most: number): Promise<readonly SettlementOutcome[]> {
  const spec = { kind: 'remote', name: 'gone', url: 'http://127.0.0.1:9', headers: [], cdp: undefined } as const;
  const rpc = new Map([[devnet.network, node.url]]);
  const facilitator = openRemoteFacilitator(
    { ...spec, verifyTimeoutMs: 1_000, settleTimeoutMs: 1_000, rpc },
    { families, openWitness: openChainWitness },
  );
  opened.push(facilitator);
  const attempt = { transaction: '', data: '{"version":2}' };
  const settlement = { payment, amount: payment.offer.amount, attempt, since: Date.now() };
  const outcomes: SettlementOutcome[] = [];
  while (outcomes.length < most && (outcomes.at(-1)?.kind ?? 'unknown') === 'unknown') {
    outcomes.push(await facilitator.resolve(settlement, AbortSignal.timeout(15_000)));
  }
  return outcomes;
}

function searchesOf(node: LimitedNode): readonly RpcCall[] {
  return node.calls.filter(({ method }) => method === 'eth_getLogs');
}

describe('a node that takes few blocks at once', () => {
  it.each([500, 10, 5, 1])('ends a doubt all the same: %i blocks', async (most) => {
    const node = await nodeTaking(most);
    const [paid, cancelled] = [await makePayment(devnet), await makePayment(devnet)];
    const transaction = await paid.frontRun();
    await cancelled.cancel();
    const outcomes = await looks(paid.payment, node, 10);
    expect(outcomes.at(-1)).toMatchObject({ kind: 'settled', settlement: { transaction } });
    expect(searchesOf(node).length).toBeLessThanOrEqual(100 * outcomes.length);
    // Now and then it is asked for more: a plan may have changed.
    expect(node.refused).toBeLessThanOrEqual(10 + searchesOf(node).length / 50);
    expect((await looks(cancelled.payment, node, 10)).at(-1)).toMatchObject({ kind: 'failed' });
  });

  it('is asked no more than it takes once it has said so', async () => {
    const node = await nodeTaking(10);
    const made = await makePayment(devnet);
    await made.frontRun();
    await looks(made.payment, node, 10);
    const [refused, taken] = [node.refused, searchesOf(node).length];
    expect(refused).toBeGreaterThan(0);
    expect(
      searchesOf(node)
        .slice(refused)
        .every((call) => blocksOf(call) <= 10),
    ).toBe(true);
    expect(taken).toBeGreaterThan(refused);
  });

  it('that refuses even one block leaves the doubt, with its own words for the log and without its key', async () => {
    const node = await nodeTaking(0, 'not in plan, see https://node.example/v2/SECRETKEY or apikey=SECRETKEY');
    const made = await makePayment(devnet);
    await made.frontRun();
    const fault: unknown = await looks(made.payment, node, 1).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ code: 'facilitator_invalid_answer' });
    expect(describeCause(fault)).toContain('The node refuses eth_getLogs: not in plan, see https://node.example or');
    expect(describeCause(fault)).not.toContain('SECRETKEY');
  });

  it('is not asked for fewer blocks because it was asked too often', async () => {
    const node = await nodeTaking(0, 'Too many requests, retry in 1 s');
    const made = await makePayment(devnet);
    await made.frontRun();
    const fault: unknown = await looks(made.payment, node, 1).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ code: 'facilitator_unreachable' });
    expect(searchesOf(node)).toHaveLength(1);
  });
});

describe('the doubt about a permit of a payer who pays the seller often', () => {
  /** A settled permit, with more transfers between the same two before and after it. */
  async function busy(before: readonly bigint[], after: readonly bigint[]) {
    const payer = await freshPayer(devnet);
    await approvePermit2(devnet, payer.key);
    await setBalance(devnet, payer.address, 10n ** 18n);
    await devnet.mint(payer.address, 10n ** 9n);
    const { payment, payTo } = await makePayment(devnet, 'permit2', payer);
    const abi = parseAbi(['function transfer(address to, uint256 amount) returns (bool)']);
    const account = privateKeyToAccount(payer.key);
    const pay = async (amounts: readonly bigint[]): Promise<void> => {
      for (const amount of amounts) {
        const args = [payTo, amount] as const;
        await clientOf(devnet).writeContractSync({
          account,
          address: devnet.usdc,
          abi,
          functionName: 'transfer',
          args,
        });
      }
    };
    await pay(before);
    const transaction = await send(devnet, await settleCall(devnet, payment, payment.offer.amount));
    await pay(after);
    return { payment, transaction };
  }

  it('ends at once, whatever other amounts were paid since', async () => {
    const others = Array.from({ length: 120 }, (_, index) => PRICE + 1n + BigInt(index));
    const { payment, transaction } = await busy([], others);
    const outcomes = await looks(payment, await nodeTaking(1000), 1);
    expect(outcomes).toMatchObject([{ kind: 'settled', settlement: { transaction } }]);
  });

  it('ends with a later look where the same amount was paid many times', async () => {
    const { payment, transaction } = await busy(
      Array.from({ length: 150 }, () => PRICE),
      [],
    );
    await clientOf(devnet).mine({ blocks: 64 });
    const outcomes = await looks(payment, await nodeTaking(1000), 5);
    expect(outcomes.slice(0, -1).every(({ kind }) => kind === 'unknown')).toBe(true);
    expect(outcomes.at(-1)).toMatchObject({ kind: 'settled', settlement: { transaction } });
  });
});
