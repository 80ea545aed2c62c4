import { MULTICALL3 } from '../../evm/addresses.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import type { Eip3009Transfer, Transfer } from '../chain/transfer.ts';
import type { FeeGauge } from './fee-gauge.ts';
import type { SendOutcome, SignedTransaction, TransactionWriter, WriteDown } from './transaction-writer.ts';
import { decodeBatchResult, transferBatch } from './transfer-call.ts';

/** Most payments in one transaction: each of them keeps the whole of it until its outcome is certain. */
const MOST_TOGETHER = 16;

/** Writes one payment's part in a shared transaction down. */
export interface BatchJournal {
  /** Names the transaction, without its bytes: nobody can send it out of this. */
  announce(signed: SignedTransaction): Promise<void>;
  /** Writes its bytes. By then every other payment of it has been announced. */
  seal(signed: SignedTransaction): Promise<void>;
}

/** What became of a payment that was to travel with others. */
export type BatchOutcome =
  | SendOutcome
  /**
   * It has to be sent alone. The caller calls `departed` when that is done, or has failed: others are gathered
   * meanwhile.
   */
  | { readonly kind: 'alone'; readonly departed: () => void };

/** What batches are made with. */
export interface BatchTools {
  readonly node: ChainNode;
  readonly writer: TransactionWriter;
  readonly gauge: FeeGauge;
}

interface Passenger {
  readonly transfer: Eip3009Transfer;
  readonly journal: BatchJournal;
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
 * Sends payments that come at the same time in one transaction, through Multicall3. What gathers while one is tried
 * and sent leaves with the next; a payment that finds nobody waiting travels alone and waits for nobody.
 *
 * Each call inside may fail by itself. Only accounts without code travel together: one with code judges its own
 * signature, and could burn the gas of all.
 *
 * Every payment of a shared transaction must know of it before anybody can send it: a row that says "nothing was sent"
 * is given back to its buyer, and a neighbour's recovery may send the same bytes later. So it is written down twice:
 * `announce` for all, then `seal` for all, then it is sent.
 *
 * | crash | what recovery finds |
 * |---|---|
 * | before all are announced | nobody has the bytes: nothing is sent; the announced ones end with their authorization or when the account's number goes to another transaction |
 * | before all are sealed | whoever was sealed may send it, and everybody watches for it |
 * | later | as with a transaction of one's own |
 */
export class SettlementBatches {
  readonly #tools: BatchTools;
  readonly #waiting: Passenger[] = [];
  readonly #deployed = new Set<string>();
  #running = false;

  constructor(tools: BatchTools) {
    this.#tools = tools;
  }

  /**
   * Has a payment travel with others, if there are any and it may. Rejects only while nothing of it has been sent: with a
   * fault of the node, or with what its journal rejected with.
   */
  async send(transfer: Transfer, journal: BatchJournal): Promise<BatchOutcome> {
    if (transfer.method !== 'eip3009' || !transfer.signedByKey || transfer.deployment !== undefined) return ALONE;
    const { promise, resolve, reject } = Promise.withResolvers<BatchOutcome>();
    this.#waiting.push({ transfer, journal, resolve, reject });
    if (!this.#running) void this.#run();
    return await promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Payments that come in the same turn travel together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#depart(this.#waiting.splice(0, MOST_TOGETHER));
    this.#running = false;
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
    // Not measured: it was tried with this very limit, and nodes measure by trying it a dozen times.
    const call = transferBatch(fit.map(({ transfer }) => transfer));
    const fees = await this.#tools.gauge.fees(call.gas);
    try {
      const outcome = await this.#tools.writer.send(call, fees, writeDownAll(fit));
      for (const passenger of fit) passenger.resolve(outcome);
    } catch (fault) {
      if (!(fault instanceof UnannouncedError)) throw fault;
      for (const [passenger, why] of fault.faults) passenger.reject(why);
      leaveAlone(fit.filter((passenger) => !fault.faults.has(passenger)));
    }
  }

  /** Those that can travel together now: of accounts without code, and whose transfer works after the others'. */
  async #choose(passengers: readonly Passenger[]): Promise<readonly Passenger[]> {
    const { node, writer } = this.#tools;
    const [there, ...hasCode] = await Promise.all([
      this.#areDeployed([MULTICALL3, ...passengers.map(({ transfer }) => transfer.asset)]),
      ...passengers.map(({ transfer }) => node.hasCode(transfer.payer)),
    ]);
    if (!there) return [];
    const plain = passengers.filter((_, index) => hasCode[index] === false);
    if (plain.length < 2) return [];
    const result = await node.call(transferBatch(plain.map(({ transfer }) => transfer)), writer.address);
    const works = result.kind === 'returned' ? decodeBatchResult(result.data) : [];
    return plain.filter((_, index) => works[index] === true);
  }

  /** A call to an address without code succeeds and moves nothing. What is there once stays. */
  async #areDeployed(contracts: readonly Eip3009Transfer['asset'][]): Promise<boolean> {
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

function writeDownAll(passengers: readonly Passenger[]): WriteDown {
  return async (signed) => {
    const announced = await Promise.allSettled(passengers.map(({ journal }) => journal.announce(signed)));
    const faults = new Map<Passenger, unknown>();
    announced.forEach((result, index) => {
      const passenger = passengers[index];
      if (passenger !== undefined && result.status === 'rejected') faults.set(passenger, result.reason);
    });
    if (faults.size > 0) throw new UnannouncedError(faults);
    const sealed = await Promise.allSettled(passengers.map(({ journal }) => journal.seal(signed)));
    // A sealed payment may be sent later by any of them: none is let go, and recovery watches for all of them.
    for (const result of sealed) if (result.status === 'rejected') throw result.reason;
  };
}
