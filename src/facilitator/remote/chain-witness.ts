import type { Amount } from '../../domain/amount.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import { type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import { ChainNode } from '../chain/chain-node.ts';
import { pending } from '../chain/chain-outcome.ts';
import { ChainReads } from '../chain/chain-reads.ts';
import type { FateTools } from '../chain/chain-view.ts';
import { findFate, type NonceFate, outcomeOfFate } from '../chain/nonce-fate.ts';
import { provesForeignTransfer } from '../chain/proof.ts';
import { waitForReceipt } from '../chain/receipt-wait.ts';
import { nodeFault, nonsense } from '../chain/rpc-fault.ts';
import type { ForeignTransfer } from '../facilitator.ts';
import { loadReadTools, type ReadTools, readTransfer } from '../transfer-method/read-transfer.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import type { AskedAt } from './asked-at.ts';
import type { AskedSettlement, DoubtfulSettlement, NewestBlock, OpenWitness, Sight, Witness } from './witness.ts';

/** How long our node may take to see a transaction that a facilitator says is mined, in milliseconds. */
const SEEING_MS = 10_000;

/**
 * By how much a transfer may seem older than the request to settle and still be the payment's own, in seconds, where
 * only the time of the newest block is known: a block may bear the time at which its slot began.
 */
const DOUBTFUL_SECONDS = 30;

/** One look takes one or two HTTP exchanges. */
const PACE_MS = 100;

/** Reads are made in the name of the zero address. */
const NOBODY = parseAddress(`0x${'00'.repeat(20)}`);

/** Opens a node that checks settlements, see {@link ChainWitness}. */
export const openChainWitness: OpenWitness = (network, url, clock, proxy) =>
  new ChainWitness(new ChainNode(network, url, proxy), clock);

/**
 * Checks on one chain, with a node, what a remote facilitator says about settlements.
 *
 * It only reads. It costs one receipt for each settlement. In return no buyer is served on a facilitator's word alone,
 * and an open settlement ends with certainty.
 */
class ChainWitness implements Witness {
  readonly paceMs = PACE_MS;
  readonly #tools: FateTools;
  readonly #node: ChainNode;
  #readTools: Promise<ReadTools> | undefined;

  /** @param clock Unix milliseconds */
  constructor(node: ChainNode, clock: () => number) {
    if (NOBODY === undefined) throw new Error('the zero address is an address');
    this.#node = node;
    this.#tools = { node, reads: new ChainReads(node, NOBODY), confirmations: 1, clock };
  }

  async servedChain(signal: AbortSignal): Promise<string> {
    return `eip155:${await this.#node.servedChain(signal)}`;
  }

  async confirm(
    payment: Payment,
    said: SettlementOutcome,
    { amount, patienceMs, askedAt }: AskedSettlement,
  ): Promise<SettlementOutcome> {
    try {
      const transfer = await this.#read(payment, amount);
      if (transfer === undefined) return said.kind === 'settled' ? pending() : said;
      switch (said.kind) {
        case 'settled':
          return (await this.#sees(transfer, said.settlement.transaction, patienceMs))
            ? said
            : pending(asHash(said.settlement.transaction), 'settlement_unproved');
        case 'failed':
          return await this.#whatElse(transfer, said, askedAt);
        case 'unknown':
          return said;
      }
    } catch {
      return said.kind === 'settled' ? pending(asHash(said.settlement.transaction), 'settlement_unproved') : said;
    }
  }

  async resolve({ payment, amount, since, askedAt }: DoubtfulSettlement, signal: AbortSignal): Promise<Sight> {
    try {
      const transfer = await this.#read(payment, amount);
      if (transfer === undefined) return asSight(pending(undefined, 'evidence_unreadable'));
      return await this.#judge(transfer, { since, askedAt }, signal);
    } catch (thrown) {
      throw nodeFault(thrown, signal);
    }
  }

  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    const { amount, maxTimeoutSeconds } = payment.offer;
    try {
      const transfer = await this.#read(payment, amount);
      if (transfer === undefined) return { kind: 'none' };
      return await transfer.use.findForeign(maxTimeoutSeconds, this.#tools, signal);
    } catch (thrown) {
      throw nodeFault(thrown, signal);
    }
  }

  async newest(signal: AbortSignal): Promise<NewestBlock> {
    await this.#node.ready();
    const newest = await this.#node.identify('latest', signal);
    if (newest === undefined) throw nonsense('eth_getBlockByNumber');
    return newest;
  }

  /** A failure, unless the chain shows that the authorization was used all the same. */
  async #whatElse(
    transfer: Transfer,
    failed: SettlementOutcome,
    askedAt: AskedAt | undefined,
  ): Promise<SettlementOutcome> {
    if ((await transfer.use.nonceIsGone(this.#tools.reads)) !== true) return failed;
    const sight = await this.#judge(transfer, { since: this.#tools.clock(), askedAt });
    return sight.kind === 'outcome' ? sight.outcome : pending();
  }

  async #judge(
    transfer: Transfer,
    { since, askedAt }: Pick<DoubtfulSettlement, 'since' | 'askedAt'>,
    signal?: AbortSignal,
  ): Promise<Sight> {
    const fate = await findFate(transfer, since, this.#tools, signal);
    const foreign = await this.#foreignOutcome(transfer, fate, { since, askedAt }, signal);
    const decided = foreign ?? outcomeOfFate(transfer, fate);
    return decided === undefined ? { kind: 'unused' } : asSight(decided);
  }

  /**
   * The outcome of a transfer that is older than the request to settle, where the authorization was not checked before.
   * Anyone who reads it on the chain could submit it, if it paid another service with the same `payTo` and price: it is
   * not served for. Where it may still be this payment's transfer, the doubt stays. `undefined` where it is this
   * payment's.
   */
  async #foreignOutcome(
    transfer: Transfer,
    fate: NonceFate,
    { since, askedAt }: Pick<DoubtfulSettlement, 'since' | 'askedAt'>,
    signal?: AbortSignal,
  ): Promise<SettlementOutcome | undefined> {
    if (askedAt === undefined || (fate.kind !== 'paid' && fate.kind !== 'unconfirmed')) return undefined;
    const { block, transaction } = fate.receipt;
    const used: SettlementOutcome = { kind: 'failed', reason: transfer.reasons.nonce };
    const doubtful = pending(transaction, 'settlement_unproved');
    if (askedAt.kind === 'block') {
      if (block > askedAt.number) return undefined;
      // Where a reorganisation replaced that block, the transfer may have been mined earlier than it was sent.
      return (await this.#node.identify(askedAt.number, signal))?.hash === askedAt.hash ? used : doubtful;
    }
    const [mined, head] = await Promise.all([this.#node.block(block, signal), this.#node.block('latest', signal)]);
    // Without a mark the time between the request and now is ours to measure, which proves no failure: a clock can jump.
    const passed = (this.#tools.clock() - since) / 1000;
    const asked = askedAt.kind === 'time' ? askedAt.seconds : head.timestamp - passed;
    if (mined.timestamp >= asked) return undefined;
    return askedAt.kind === 'time' && asked - mined.timestamp > DOUBTFUL_SECONDS ? used : doubtful;
  }

  /** Whether our own node has the transaction, and it proves the transfer. */
  async #sees(transfer: Transfer, stated: string, patienceMs: number): Promise<boolean> {
    const transaction = asHash(stated);
    if (transaction === undefined) return false;
    const receipt = await waitForReceipt(this.#node, {
      transaction,
      confirmations: 1,
      deadline: AbortSignal.timeout(Math.min(patienceMs, SEEING_MS)),
      // The facilitator sends this transaction, not the gateway.
      resend: async () => {},
    });
    return receipt !== undefined && (await provesForeignTransfer(transfer, receipt, this.#tools)) === 'proved';
  }

  async #read(payment: Payment, amount: Amount): Promise<Transfer | undefined> {
    this.#readTools ??= loadReadTools();
    const [tools] = await Promise.all([this.#readTools, this.#node.ready()]);
    return readTransfer(payment, amount, this.#node.chainId, tools);
  }
}

function asHash(transaction: string): Hex | undefined {
  return parseHex(transaction, 32);
}

function asSight(outcome: SettlementOutcome): Sight {
  return { kind: 'outcome', outcome };
}
