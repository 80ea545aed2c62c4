import type { Amount } from '../../domain/amount.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import { type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import { ChainNode } from '../chain/chain-node.ts';
import { FAILURES, pending } from '../chain/chain-outcome.ts';
import { ChainReads } from '../chain/chain-reads.ts';
import { findForeignTransfer } from '../chain/foreign-transfer.ts';
import { type FateTools, findFate, type NonceFate, outcomeOfFate } from '../chain/nonce-fate.ts';
import { provesForeignTransfer } from '../chain/proof.ts';
import { waitForReceipt } from '../chain/receipt-wait.ts';
import { nodeFault } from '../chain/rpc-fault.ts';
import { loadReadTools, type ReadTools, readTransfer, type Transfer } from '../chain/transfer.ts';
import type { ForeignTransfer, OpenSettlement } from '../facilitator.ts';
import type { AskedSettlement, OpenWitness, Sight, Witness } from './witness.ts';

/** How long our node may take to see a transaction that a facilitator says is mined, in milliseconds. */
const SEEING_MS = 10_000;

/**
 * How long before the claim a transfer may have been mined and still be the payment's own, in seconds. The chain's
 * clock and ours differ, and a block may bear the time at which its slot began.
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

  async confirm(
    payment: Payment,
    said: SettlementOutcome,
    { amount, patienceMs, notBefore }: AskedSettlement,
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
          return await this.#whatElse(transfer, said, notBefore);
        case 'unknown':
          return said;
      }
    } catch {
      return said.kind === 'settled' ? pending(asHash(said.settlement.transaction), 'settlement_unproved') : said;
    }
  }

  async resolve({ payment, amount, since, mayBeForeign }: OpenSettlement, signal: AbortSignal): Promise<Sight> {
    try {
      const transfer = await this.#read(payment, amount);
      if (transfer === undefined) return asSight(pending(undefined, 'evidence_unreadable'));
      return await this.#judge(transfer, { since, mayBeForeign }, signal);
    } catch (thrown) {
      throw nodeFault(thrown, signal);
    }
  }

  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    const { amount, maxTimeoutSeconds } = payment.offer;
    try {
      const transfer = await this.#read(payment, amount);
      if (transfer === undefined) return { kind: 'none' };
      return await findForeignTransfer(transfer, maxTimeoutSeconds, this.#tools, signal);
    } catch (thrown) {
      throw nodeFault(thrown, signal);
    }
  }

  /** A failure, unless the chain shows that the authorization was used all the same. */
  async #whatElse(
    transfer: Transfer,
    failed: SettlementOutcome,
    notBefore: number | undefined,
  ): Promise<SettlementOutcome> {
    if ((await this.#tools.reads.nonceIsGone(transfer)) !== true) return failed;
    const mayBeForeign = notBefore !== undefined;
    const sight = await this.#judge(transfer, { since: notBefore ?? this.#tools.clock(), mayBeForeign });
    return sight.kind === 'outcome' ? sight.outcome : pending();
  }

  async #judge(
    transfer: Transfer,
    { since, mayBeForeign = false }: Pick<OpenSettlement, 'since' | 'mayBeForeign'>,
    signal?: AbortSignal,
  ): Promise<Sight> {
    const fate = await findFate(transfer, since, this.#tools, signal);
    const foreign = mayBeForeign ? await this.#foreignOutcome(transfer, fate, since, signal) : undefined;
    const decided = foreign ?? outcomeOfFate(transfer, fate);
    return decided === undefined ? { kind: 'unused' } : asSight(decided);
  }

  /**
   * The outcome of a transfer that is older than the claim, where the authorization was not checked before the
   * settlement was asked for. Anyone who reads it on the chain could submit it, if it paid another service with the
   * same `payTo` and price: it is not served for. Where it may still be this payment's transfer, the doubt stays.
   */
  async #foreignOutcome(
    transfer: Transfer,
    fate: NonceFate,
    since: number,
    signal?: AbortSignal,
  ): Promise<SettlementOutcome | undefined> {
    if (fate.kind !== 'paid' && fate.kind !== 'unconfirmed') return undefined;
    const { block, transaction } = fate.receipt;
    const before = Math.floor(since / 1000) - (await this.#node.block(block, signal)).timestamp;
    if (before <= 0) return undefined;
    if (before > DOUBTFUL_SECONDS) return { kind: 'failed', reason: FAILURES[transfer.method].nonce };
    return pending(transaction, 'settlement_unproved');
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
