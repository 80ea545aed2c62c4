import type { Address } from '../../evm/address.ts';
import { MULTICALL3 } from '../../evm/addresses.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import type { Journal } from '../facilitator.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import type { FeeGauge } from './fee-gauge.ts';
import { announceAttempt, encodeAttempt } from './settlement-attempt.ts';
import type { SendOutcome, TransactionWriter, WriteDown } from './transaction-writer.ts';
import { decodeBatchResult, transferBatch } from './transfer-batch.ts';

/** Most payments in one transaction: each payment keeps the whole transaction until its outcome is certain. */
const MOST_TOGETHER = 16;

/** Most batches under way: a node is not asked for more at once. */
const MOST_UNDER_WAY = 4;

/** The result for a payment that was offered to a shared transaction. */
export type BatchOutcome =
  | SendOutcome
  /**
   * The payment has to be sent alone. The caller calls `departed` when it was sent or that failed; until then further
   * payments are gathered, up to a full batch.
   */
  | { readonly kind: 'alone'; readonly departed: () => void };

/** What batches are made with. */
export interface BatchTools {
  readonly node: ChainNode;
  readonly writer: TransactionWriter;
  readonly gauge: FeeGauge;
}

interface Passenger {
  readonly transfer: Transfer;
  readonly journal: Journal;
  readonly resolve: (outcome: BatchOutcome) => void;
  readonly reject: (fault: unknown) => void;
}

/** Thrown out of a batch's `WriteDown` when some of its payments could not be announced: nothing of it was sealed. */
class UnannouncedError extends Error {
  override readonly name = 'UnannouncedError';
  readonly faults: ReadonlyMap<Passenger, unknown>;

  constructor(faults: ReadonlyMap<Passenger, unknown>) {
    super('some payments of the batch could not be written down');
    this.faults = faults;
  }
}

/**
 * Sends payments that arrive at the same time in one transaction, through Multicall3. Payments that arrive while a
 * batch is tried and sent go into the next one, which leaves when that is over or it is full. A payment without others
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
  readonly #waiting: Passenger[] = [];
  readonly #deployed = new Set<string>();
  #gathering = false;
  /** Batches that are tried, written down or sent, or payments that leave alone. */
  #underWay = 0;

  constructor(tools: BatchTools) {
    this.#tools = tools;
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
    this.#departAll();
  }

  #departAll(): void {
    while (this.#mayDepart()) {
      this.#underWay += 1;
      void this.#depart(this.#waiting.splice(0, MOST_TOGETHER)).then(() => {
        this.#underWay -= 1;
        this.#departAll();
      });
    }
  }

  /** A full batch gains nothing by waiting: it is tried while the one before is sent. */
  #mayDepart(): boolean {
    if (this.#underWay === 0) return this.#waiting.length > 0;
    return this.#waiting.length >= MOST_TOGETHER && this.#underWay < MOST_UNDER_WAY;
  }

  /** Never rejects: each payment gets its own result. */
  async #depart(passengers: readonly Passenger[]): Promise<void> {
    const [passenger, ...others] = passengers;
    if (passenger !== undefined && others.length === 0) {
      await new Promise<void>((departed) => passenger.resolve({ kind: 'alone', departed }));
      return;
    }
    try {
      await this.#sendTogether(passengers);
    } catch (fault) {
      for (const passenger of passengers) passenger.reject(fault);
    }
  }

  async #sendTogether(passengers: readonly Passenger[]): Promise<void> {
    const fit = await this.#choose(passengers);
    leaveAlone(passengers.filter((passenger) => !fit.includes(passenger)));
    if (fit.length < 2) {
      leaveAlone(fit);
      return;
    }
    // Not measured: the call was tried with this very limit, and a node measures with a dozen tries.
    const call = transferBatch(fit.map(({ transfer }) => transfer));
    const fees = await this.#tools.gauge.fees(call.gas);
    try {
      const outcome = await this.#tools.writer.send(call, fees, this.#writeDownAll(fit));
      // Nothing was sent. Its limit was not measured, and may be below what the node asks for.
      if (outcome.kind === 'refused' && outcome.why === 'other') leaveAlone(fit);
      else for (const passenger of fit) passenger.resolve(outcome);
    } catch (fault) {
      if (!(fault instanceof UnannouncedError)) throw fault;
      for (const [passenger, why] of fault.faults) passenger.reject(why);
      leaveAlone(fit.filter((passenger) => !fault.faults.has(passenger)));
    }
  }

  /** The payments that can be combined now: of accounts without code, with transfers that work after the others'. */
  async #choose(passengers: readonly Passenger[]): Promise<readonly Passenger[]> {
    // Tried before it is known that no account has code: the calls of one turn travel in one exchange with the node.
    const trial = this.#try(passengers);
    trial.catch(() => {}); // its result may not be needed
    const [there, withCode] = await Promise.all([
      this.#areDeployed([MULTICALL3, ...passengers.map(({ transfer }) => transfer.asset)]),
      this.#payersWithCode(passengers),
    ]);
    if (!there) return [];
    if (withCode.size === 0) return await trial;
    const plain = passengers.filter(({ transfer }) => !withCode.has(transfer.payer));
    return plain.length < 2 ? [] : await this.#try(plain);
  }

  /** The payments whose transfers work now, each after those before it. */
  async #try(passengers: readonly Passenger[]): Promise<readonly Passenger[]> {
    const { node, writer } = this.#tools;
    const result = await node.call(transferBatch(passengers.map(({ transfer }) => transfer)), writer.address);
    const works = result.kind === 'returned' ? decodeBatchResult(result.data) : [];
    return passengers.filter((_, index) => works[index] === true);
  }

  /** Asks the node once for each account: one buyer often pays for many calls at the same time. */
  async #payersWithCode(passengers: readonly Passenger[]): Promise<ReadonlySet<Address>> {
    const payers = [...new Set(passengers.map(({ transfer }) => transfer.payer))];
    const hasCode = await Promise.all(payers.map((payer) => this.#tools.node.hasCode(payer)));
    return new Set(payers.filter((_, index) => hasCode[index] === true));
  }

  #writeDownAll(passengers: readonly Passenger[]): WriteDown {
    const { node, writer } = this.#tools;
    return async (signed) => {
      const own = { account: writer.address, signed };
      // Names the transaction without its bytes: it cannot be sent from that.
      const announcement = announceAttempt(node.network, own);
      const announced = await Promise.allSettled(passengers.map(({ journal }) => journal(announcement)));
      const faults = new Map<Passenger, unknown>();
      announced.forEach((result, index) => {
        const passenger = passengers[index];
        if (passenger !== undefined && result.status === 'rejected') faults.set(passenger, result.reason);
      });
      if (faults.size > 0) throw new UnannouncedError(faults);
      // One text for all: it holds the bytes of all their payments.
      const seal = encodeAttempt(node.network, { ...own, shared: true });
      const sealed = await Promise.allSettled(passengers.map(({ journal }) => journal(seal)));
      // The recovery of any sealed payment may send the transaction later: none is given back, and recovery watches for
      // all.
      for (const result of sealed) if (result.status === 'rejected') throw result.reason;
    };
  }

  /**
   * A call to an address without code succeeds and moves nothing. A contract that was found once is not checked again.
   */
  async #areDeployed(contracts: readonly Transfer['asset'][]): Promise<boolean> {
    const unknown = [...new Set(contracts)].filter((contract) => !this.#deployed.has(contract));
    const found = await Promise.all(unknown.map((contract) => this.#tools.node.hasCode(contract)));
    unknown.forEach((contract, index) => {
      if (found[index] === true) this.#deployed.add(contract);
    });
    return !found.includes(false);
  }
}

const ALONE: BatchOutcome = { kind: 'alone', departed: () => {} };

function leaveAlone(passengers: readonly Passenger[]): void {
  for (const { resolve } of passengers) resolve(ALONE);
}
