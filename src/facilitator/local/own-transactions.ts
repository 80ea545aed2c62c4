import type { Payment, PaymentKey } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Hex } from '../../evm/address.ts';
import type { Receipt } from '../chain/chain-facts.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import { pending, settledWith } from '../chain/chain-outcome.ts';
import type { ChainReads } from '../chain/chain-reads.ts';
import { findFate, outcomeOfFate } from '../chain/nonce-fate.ts';
import { provesTransfer } from '../chain/proof.ts';
import { waitForReceipt } from '../chain/receipt-wait.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import type { SignedTransaction, TransactionWriter } from './transaction-writer.ts';

/** What is needed to find out what became of a transaction. */
export interface OutcomeTools {
  readonly node: ChainNode;
  readonly reads: ChainReads;
  readonly writer: TransactionWriter;
  readonly confirmations: number;
  readonly settleTimeoutMs: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** A transaction of ours that is on its way. */
export interface OwnTransaction {
  readonly signed: SignedTransaction;
  /** Whether it moves the money of other payments too: then it may be mined without moving this payment's money. */
  readonly shared: boolean;
}

/** A transaction of ours whose outcome was not seen. */
interface Unresolved extends OwnTransaction {
  /** Unix seconds after which the authorization has expired, and its transaction need not be remembered. */
  readonly forgetAt: number;
}

/** How long an unresolved transaction is remembered after its authorization ended, in seconds. */
const MEMORY_SECONDS = 3_600;

/** The reason for a transaction of ours that succeeded and moved something else than the price. */
export const MISMATCH = 'invalid_exact_evm_transfer_event_mismatch';

/** The reason for a transaction of ours that reverted. */
export const TRANSACTION_FAILED = 'invalid_exact_evm_transaction_failed';

/** Our transactions that are on their way or in doubt, and what they prove of the payments in them. */
export class OwnTransactions {
  readonly #tools: OutcomeTools;
  readonly #onReverted: (transfer: Transfer, signed: SignedTransaction) => void;
  readonly #unresolved = new Map<PaymentKey, Unresolved>();
  readonly #receipts = new Map<Hex, Promise<Receipt | undefined>>();

  /** @param onReverted is told of a transfer whose own transaction took gas and did nothing */
  constructor(tools: OutcomeTools, onReverted: (transfer: Transfer, signed: SignedTransaction) => void) {
    this.#tools = tools;
    this.#onReverted = onReverted;
  }

  /** The transaction of a payment whose outcome was not seen. */
  unresolved(key: PaymentKey): OwnTransaction | undefined {
    return this.#unresolved.get(key);
  }

  /** Forgets the transaction of a payment whose outcome is certain now. */
  forget(key: PaymentKey): void {
    this.#unresolved.delete(key);
  }

  /**
   * Waits for our transaction and returns what it proves. Never throws, because the money may have moved. `undefined`
   * when a shared transaction was mined without effect on this payment.
   */
  async follow(payment: Payment, transfer: Transfer, own: OwnTransaction): Promise<SettlementOutcome | undefined> {
    const { key, expiresAt } = payment.authorization;
    const { signed } = own;
    this.#forgetOld();
    this.#unresolved.set(key, { ...own, forgetAt: expiresAt + MEMORY_SECONDS });
    const outcome = await this.#awaitOutcome(transfer, own).catch(() => pending(signed.hash));
    if (outcome?.kind === 'unknown') this.#tools.writer.doubt(signed);
    else this.#unresolved.delete(key);
    return outcome;
  }

  async #awaitOutcome(transfer: Transfer, { signed, shared }: OwnTransaction): Promise<SettlementOutcome | undefined> {
    const receipt = await this.#receiptOf(signed);
    if (receipt === undefined) return pending(signed.hash);
    if (provesTransfer(transfer, receipt)) return settledWith(transfer, signed.hash);
    // Of the block of the receipt: another node behind the same address may not have that block yet.
    const foreign = await this.resolveUsedNonce(transfer, receipt.block);
    if (shared && foreign === undefined) {
      const untouched = (await transfer.use.nonceIsGone(this.#tools.reads, undefined, receipt.block)) === false;
      return untouched ? undefined : pending(signed.hash);
    }
    if (shared) return foreign;
    // Our own transaction used the nonce and moved something else: report that, not only that the nonce is gone.
    if (receipt.succeeded && foreign?.kind !== 'settled') {
      return foreign?.kind === 'unknown' ? foreign : { kind: 'failed', reason: MISMATCH, transaction: signed.hash };
    }
    if (foreign === undefined) this.#onReverted(transfer, signed);
    return foreign ?? { kind: 'failed', reason: TRANSACTION_FAILED, transaction: signed.hash };
  }

  /** The receipt of a transaction, confirmed; the payments that share it wait together. */
  async #receiptOf(signed: SignedTransaction): Promise<Receipt | undefined> {
    const { node, writer, confirmations, settleTimeoutMs } = this.#tools;
    const waiting = this.#receipts.get(signed.hash);
    if (waiting !== undefined) return await waiting;
    const deadline = AbortSignal.timeout(settleTimeoutMs);
    const resend = (): Promise<void> => writer.sendAgain(signed);
    const wait = waitForReceipt(node, { transaction: signed.hash, confirmations, deadline, resend }).finally(() =>
      this.#receipts.delete(signed.hash),
    );
    this.#receipts.set(signed.hash, wait);
    return await wait;
  }

  /**
   * What it means that a transfer's nonce is gone: settled when somebody else's transaction made this very transfer,
   * failed when it was cancelled or used for something else, unknown when the node cannot tell. `undefined` when the
   * nonce is not gone.
   *
   * @param block after which it is asked for; default: the newest
   * @throws GatewayError when the node cannot be asked
   */
  async resolveUsedNonce(transfer: Transfer, block?: bigint): Promise<SettlementOutcome | undefined> {
    const { node, reads, confirmations, settleTimeoutMs, clock } = this.#tools;
    if ((await transfer.use.nonceIsGone(reads, undefined, block)) !== true) return undefined;
    try {
      const fate = await findFate(transfer, clock(), this.#tools);
      // The node has just said that the nonce is gone: two answers that contradict each other say nothing.
      if (fate.kind === 'unused' || fate.kind === 'expired') return pending();
      if (fate.kind !== 'unconfirmed') return outcomeOfFate(transfer, fate) ?? pending();
      const { transaction } = fate.receipt;
      const deadline = AbortSignal.timeout(settleTimeoutMs);
      const resend = async (): Promise<void> => {};
      const receipt = await waitForReceipt(node, { transaction, confirmations, deadline, resend });
      return receipt !== undefined && provesTransfer(transfer, receipt)
        ? settledWith(transfer, transaction)
        : pending(transaction);
    } catch {
      return pending(); // the nonce is gone, and the node cannot tell why: it may be this payment
    }
  }

  #forgetOld(): void {
    const now = this.#tools.clock() / 1000;
    for (const [key, { forgetAt }] of this.#unresolved) if (forgetAt < now) this.#unresolved.delete(key);
  }
}
