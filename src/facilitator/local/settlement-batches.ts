import type { ChainNode } from '../chain/chain-node.ts';
import type { Journal } from '../facilitator.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import { CombinablePayments } from './combinable-payments.ts';
import type { FeeGauge } from './fee-gauge.ts';
import { UnannouncedError, writeDownShared } from './shared-write-down.ts';
import type { SendOutcome, TransactionWriter } from './transaction-writer.ts';
import { transferBatch } from './transfer-batch.ts';

/** Most payments in one transaction: each payment keeps the whole transaction until its outcome is certain. */
const MOST_TOGETHER = 16;

/** Most batches under way: a node is not asked for more at once. */
const MOST_UNDER_WAY = 4;

/** The result for a payment that was offered to a shared transaction. */
export type BatchOutcome =
  | SendOutcome
  /**
   * The payment has to be sent alone. The caller calls `done` once it was sent, or will not be sent; until then further
   * payments are gathered, up to a full batch.
   */
  | { readonly kind: 'alone'; readonly done: () => void };

/** What batches are made with. */
export interface BatchTools {
  readonly node: ChainNode;
  readonly writer: TransactionWriter;
  readonly gauge: FeeGauge;
}

/** A payment that was offered to a shared transaction. */
interface Offered {
  readonly transfer: Transfer;
  readonly journal: Journal;
  readonly resolve: (outcome: BatchOutcome) => void;
  readonly reject: (fault: unknown) => void;
}

/**
 * Sends payments that arrive at the same time in one transaction, through Multicall3. Payments that arrive while a
 * batch is tried and sent go into the next one, which is sent when that is over or it is full. A payment without others
 * beside it is sent alone and waits for none.
 *
 * Each call inside may fail without the others. Only payments of accounts without code are combined: an account with
 * code checks its own signature, and could burn the gas of all.
 *
 * The row of every payment in a shared transaction must name it before it can be sent. A payment whose row says
 * "nothing was sent" is given back to its buyer, while the recovery of another payment may send the same bytes later.
 * So the transaction is written down twice: `announce` for all, then `seal` for all, then it is sent.
 *
 * | crash | what recovery finds |
 * |---|---|
 * | before all are announced | no row has the bytes: nothing is sent; announced payments end with their authorization or when the account's number goes to another transaction |
 * | before all are sealed | a sealed payment may send it, and all announced payments watch for it |
 * | later | as with an unshared transaction |
 */
export class SettlementBatches {
  readonly #tools: BatchTools;
  readonly #combinable: CombinablePayments;
  readonly #waiting: Offered[] = [];
  #gathering = false;
  /** Batches that are tried, written down or sent, or payments that are sent alone. */
  #underWay = 0;

  constructor(tools: BatchTools) {
    this.#tools = tools;
    this.#combinable = new CombinablePayments(tools);
  }

  /**
   * Sends a payment together with others, if there are any and it may share a transaction. Rejects only while nothing
   * of it has been sent: with a fault of the node, or with the rejection of its journal.
   */
  async send(transfer: Transfer, journal: Journal): Promise<BatchOutcome> {
    if (!transfer.settling.mayShare) return ALONE;
    const { promise, resolve, reject } = Promise.withResolvers<BatchOutcome>();
    this.#waiting.push({ transfer, journal, resolve, reject });
    if (!this.#gathering) void this.#gather();
    return await promise;
  }

  /** Payments that arrive in the same turn share a transaction. */
  async #gather(): Promise<void> {
    this.#gathering = true;
    await Promise.resolve();
    this.#gathering = false;
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    while (this.#maySend()) {
      this.#underWay += 1;
      void this.#sendBatch(this.#waiting.splice(0, MOST_TOGETHER)).then(() => {
        this.#underWay -= 1;
        this.#sendWaiting();
      });
    }
  }

  /** A full batch gains nothing by waiting: it is tried while the one before is sent. */
  #maySend(): boolean {
    if (this.#underWay === 0) return this.#waiting.length > 0;
    return this.#waiting.length >= MOST_TOGETHER && this.#underWay < MOST_UNDER_WAY;
  }

  /** Never rejects: each payment gets its own result. */
  async #sendBatch(payments: readonly Offered[]): Promise<void> {
    const [first, ...others] = payments;
    if (first !== undefined && others.length === 0) {
      await new Promise<void>((done) => first.resolve({ kind: 'alone', done }));
      return;
    }
    try {
      await this.#sendTogether(payments);
    } catch (fault) {
      for (const { reject } of payments) reject(fault);
    }
  }

  async #sendTogether(payments: readonly Offered[]): Promise<void> {
    const fit = await this.#combinable.among(payments);
    returnAlone(payments.filter((payment) => !fit.includes(payment)));
    if (fit.length < 2) {
      returnAlone(fit);
      return;
    }
    // Not measured: the call was tried with this very limit, and a node measures with a dozen tries.
    const call = transferBatch(fit.map(({ transfer }) => transfer));
    const { node, writer, gauge } = this.#tools;
    const fees = await gauge.fees(call.gas);
    const place = { network: node.network, account: writer.address };
    try {
      const journals = fit.map(({ journal }) => journal);
      const outcome = await writer.send(call, fees, writeDownShared(place, journals));
      // Nothing was sent. Its limit was not measured, and may be below what the node asks for.
      if (outcome.kind === 'refused' && outcome.why === 'other') returnAlone(fit);
      else for (const { resolve } of fit) resolve(outcome);
    } catch (fault) {
      if (!(fault instanceof UnannouncedError)) throw fault;
      for (const [at, why] of fault.faults) fit[at]?.reject(why);
      returnAlone(fit.filter((_, at) => !fault.faults.has(at)));
    }
  }
}

const ALONE: BatchOutcome = { kind: 'alone', done: () => {} };

/** Gives payments back to their callers, which send each of them alone. */
function returnAlone(payments: readonly Offered[]): void {
  for (const { resolve } of payments) resolve(ALONE);
}
