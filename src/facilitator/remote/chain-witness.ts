import type { Amount } from '../../domain/amount.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import { type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import { ChainNode } from '../chain/chain-node.ts';
import { pending } from '../chain/chain-outcome.ts';
import { ChainReads } from '../chain/chain-reads.ts';
import { findForeignTransfer } from '../chain/foreign-transfer.ts';
import { type FateTools, findFate, outcomeOfFate } from '../chain/nonce-fate.ts';
import { provesForeignTransfer } from '../chain/proof.ts';
import { waitForReceipt } from '../chain/receipt-wait.ts';
import { nodeFault } from '../chain/rpc-fault.ts';
import { loadReadTools, type ReadTools, readTransfer, type Transfer } from '../chain/transfer.ts';
import type { ForeignTransfer, OpenSettlement } from '../facilitator.ts';
import type { OpenWitness, Sight, Witness } from './witness.ts';

/** How long our node may take to see a transaction that a facilitator says is mined, in milliseconds. */
const SEEING_MS = 10_000;

/** A look is one or two exchanges. */
const PACE_MS = 100;

/** Reads are made in nobody's name. */
const NOBODY = parseAddress(`0x${'00'.repeat(20)}`);

/** Opens a node that sees for itself, see {@link ChainWitness}. */
export const openChainWitness: OpenWitness = (network, url, clock, proxy) =>
  new ChainWitness(new ChainNode(network, url, proxy), clock);

/**
 * A node that sees for itself what a remote facilitator says of settlements on one chain.
 *
 * It only reads. What it costs is one receipt for each settlement; what it gives is that nobody is served on a
 * facilitator's word alone, and that an open settlement ends with certainty.
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
    amount: Amount,
    said: SettlementOutcome,
    patienceMs: number,
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
          return await this.#whatElse(transfer, said);
        case 'unknown':
          return said;
      }
    } catch {
      return said.kind === 'settled' ? pending(asHash(said.settlement.transaction), 'settlement_unproved') : said;
    }
  }

  async resolve({ payment, amount, since }: OpenSettlement, signal: AbortSignal): Promise<Sight> {
    try {
      const transfer = await this.#read(payment, amount);
      if (transfer === undefined) return asSight(pending(undefined, 'evidence_unreadable'));
      return await this.#judge(transfer, since, signal);
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
  async #whatElse(transfer: Transfer, failed: SettlementOutcome): Promise<SettlementOutcome> {
    if ((await this.#tools.reads.nonceIsGone(transfer)) !== true) return failed;
    const sight = await this.#judge(transfer, this.#tools.clock());
    return sight.kind === 'outcome' ? sight.outcome : pending();
  }

  async #judge(transfer: Transfer, since: number, signal?: AbortSignal): Promise<Sight> {
    const fate = await findFate(transfer, since, this.#tools, signal);
    const decided = outcomeOfFate(transfer, fate);
    return decided === undefined ? { kind: 'unused' } : asSight(decided);
  }

  /** Whether our own node has the transaction, and it is the proof. */
  async #sees(transfer: Transfer, stated: string, patienceMs: number): Promise<boolean> {
    const transaction = asHash(stated);
    if (transaction === undefined) return false;
    const receipt = await waitForReceipt(this.#node, {
      transaction,
      confirmations: 1,
      deadline: AbortSignal.timeout(Math.min(patienceMs, SEEING_MS)),
      // It is not ours to send.
      resend: async () => {},
    });
    return receipt !== undefined && (await provesForeignTransfer(transfer, receipt, this.#node));
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
