import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Block, Receipt } from '../chain/chain-facts.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import { pending, settledWith } from '../chain/chain-outcome.ts';
import type { ChainReads } from '../chain/chain-reads.ts';
import { findFate, firmBlock, isConfirmed, outcomeOfFate } from '../chain/nonce-fate.ts';
import { provesTransfer } from '../chain/proof.ts';
import type { OpenSettlement } from '../facilitator.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import type { FeeGauge } from './fee-gauge.ts';
import { MISMATCH, TRANSACTION_FAILED } from './own-transactions.ts';
import { attemptHash, decodeAttempt, type WrittenTransaction } from './settlement-attempt.ts';
import type { TransactionWriter } from './transaction-writer.ts';

/** The parts that recovery works with. */
export interface RecoveryTools {
  readonly node: ChainNode;
  readonly reads: ChainReads;
  readonly writer: TransactionWriter;
  readonly gauge: FeeGauge;
  readonly confirmations: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** Gas that closing a gap may take; used only to check that the account can pay for it. */
const MENDING_GAS = 100_000n;

/**
 * Finds out the outcome of a settlement that this process or another one left open.
 *
 * | what the chain shows | outcome |
 * |---|---|
 * | our transaction, or anybody's, with the authorization's use and exactly the transfer | `settled` |
 * | the same, not deep enough yet | `unknown` |
 * | the authorization cancelled, or used for something else | `failed` |
 * | not used, and its time is over | `failed` |
 * | not used, and nothing was ever written down to be sent | `failed` |
 * | not used, and our transaction was mined without effect, or its number went to another one | `failed` |
 * | not used, and our transaction can still be mined | `unknown`; it is sent again, with higher fees where gas has become dearer |
 * | not used, and a transaction shared with others was announced, whose bytes this payment does not have | `unknown`; the other payments may send it |
 *
 * After a reorganisation that undid our transaction the last line holds again: it gets mined once more.
 */
export class SettlementRecovery {
  readonly #tools: RecoveryTools;

  constructor(tools: RecoveryTools) {
    this.#tools = tools;
  }

  /** @throws GatewayError when the node cannot be asked */
  async resolve(open: OpenSettlement, transfer: Transfer, signal: AbortSignal): Promise<SettlementOutcome> {
    const { attempt, since } = open;
    const hash = attempt === undefined ? undefined : attemptHash(attempt);
    const receipt = hash === undefined ? undefined : await this.#tools.node.receipt(hash, signal);
    if (receipt !== undefined && provesTransfer(transfer, receipt)) {
      const head = await this.#tools.node.block('latest', signal);
      return isConfirmed(receipt, head, this.#tools.confirmations)
        ? settledWith(transfer, receipt.transaction)
        : pending(receipt.transaction);
    }
    const fate = await findFate(transfer, since, this.#tools, signal);
    const decided = outcomeOfFate(transfer, fate, hash);
    if (decided !== undefined || fate.kind !== 'unused') return decided ?? pending(hash);
    // Every attempt is written down before it is sent: without an attempt nothing was sent.
    if (attempt === undefined) return { kind: 'failed', reason: 'settlement_not_sent' };
    if (receipt !== undefined) return this.#withoutEffect(open, attempt, receipt, fate.head);
    return await this.#sendAgain(open, fate.head, signal);
  }

  /** Our transaction is mined and the authorization is unused: it will never do anything else. */
  #withoutEffect(
    { payment }: OpenSettlement,
    attempt: SettlementAttempt,
    receipt: Receipt,
    head: Block,
  ): SettlementOutcome {
    const { transaction, succeeded } = receipt;
    if (!isConfirmed(receipt, head, this.#tools.confirmations)) return pending(transaction);
    const reason = succeeded && !isShared(payment.offer.network, attempt) ? MISMATCH : TRANSACTION_FAILED;
    return { kind: 'failed', reason, transaction };
  }

  /** Our transaction is not mined: it still can be, unless its number went to another one. */
  async #sendAgain(open: OpenSettlement, head: Block, signal: AbortSignal): Promise<SettlementOutcome> {
    const { payment, attempt } = open;
    const written = attempt === undefined ? undefined : decodeAttempt(payment.offer.network, attempt);
    if (written === undefined) return pending();
    const { node, confirmations } = this.#tools;
    const { account } = written;
    const nonce = 'signed' in written ? written.signed.nonce : written.nonce;
    const hash = attempt === undefined ? undefined : attemptHash(attempt);
    const [mined, minedFirmly] = await Promise.all([
      node.transactionCount(account, head.number, signal),
      node.transactionCount(account, firmBlock(head, confirmations), signal),
    ]);
    if (hash !== undefined && minedFirmly > nonce) {
      // The receipt was read before the count: the transaction may have been mined in between.
      const receipt = await node.receipt(hash, signal);
      return receipt === undefined
        ? { kind: 'failed', reason: 'settlement_replaced', transaction: hash }
        : pending(hash);
    }
    // A transaction that was only announced here is sent by payments that have its bytes, or never.
    if (mined <= nonce && 'signed' in written) await this.#broadcast(written);
    return pending(hash);
  }

  async #broadcast({ account, signed }: WrittenTransaction): Promise<void> {
    const { writer, gauge } = this.#tools;
    // The numbers of an account that is not configured any more are not counted.
    if (account !== writer.address) return await writer.sendAgain(signed);
    // The transaction still waits at the second look: for a lower number that no other process sends, or for higher fees.
    if (!(await writer.adopt(signed))) return;
    const fees = await gauge.fees(MENDING_GAS).catch(() => undefined);
    if (fees !== undefined) writer.mend(fees);
  }
}

function isShared(network: string, attempt: SettlementAttempt): boolean {
  const written = decodeAttempt(network, attempt);
  return written !== undefined && (!('signed' in written) || written.shared);
}
