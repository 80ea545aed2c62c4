import { LRUCache } from 'lru-cache';
import type { LocalFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import type { Address } from '../../evm/address.ts';

/** How long the gas of failed settlements is remembered, in milliseconds. */
const WINDOW_MS = 3_600_000;
/** Most payers that are remembered. */
const MOST_PAYERS = 10_000;

interface Burnt {
  gas: bigint;
  /** Milliseconds at which the window ends. */
  readonly until: number;
}

/**
 * Gas that was paid for settlements which moved no money. With one transfer of its own, between the simulation and the
 * block, a payer can make any number of its settlements fail. So the gas that it burnt decides how its next payments
 * are settled.
 *
 * | burnt within an hour | settlements of the payer |
 * |---|---|
 * | nothing | together with others |
 * | something | alone, one at a time, each simulated when the one before is over |
 * | more than its budget | declined: nothing is sent |
 *
 * When all payers together have burnt more than their budget, no payments share a transaction.
 */
export class FailedGas {
  readonly #byPayer = new LRUCache<Address, Burnt>({ max: MOST_PAYERS });
  readonly #budget: LocalFacilitatorSpec['failedGas'];
  readonly #clock: () => number;
  #all: Burnt | undefined;

  readonly #noted: (gas: bigint) => void;

  /**
   * @param budget gas that may be burnt within an hour
   * @param clock Unix milliseconds
   * @param noted called with the gas of each settlement that moved nothing
   */
  constructor(budget: LocalFacilitatorSpec['failedGas'], clock: () => number, noted: (gas: bigint) => void = () => {}) {
    this.#budget = budget;
    this.#clock = clock;
    this.#noted = noted;
  }

  /** Remembers a settlement that was mined and moved nothing. */
  note(payer: Address, gas: bigint): void {
    this.#byPayer.set(payer, this.#added(this.#byPayer.get(payer), gas));
    this.#all = this.#added(this.#all, gas);
    this.#noted(gas);
  }

  /** Whether a payer's payments may be settled together with others. */
  mayShare(payer: Address): boolean {
    return this.#gasOf(this.#byPayer.get(payer)) === 0n && this.#gasOf(this.#all) <= this.#budget.inAll;
  }

  /** Whether nothing more is sent for a payer. */
  isSpent(payer: Address): boolean {
    return this.#gasOf(this.#byPayer.get(payer)) > this.#budget.ofPayer;
  }

  #added(burnt: Burnt | undefined, gas: bigint): Burnt {
    const before = this.#gasOf(burnt);
    const until = before === 0n || burnt === undefined ? this.#clock() + WINDOW_MS : burnt.until;
    return { gas: before + gas, until };
  }

  #gasOf(burnt: Burnt | undefined): bigint {
    if (burnt === undefined) return 0n;
    const left = burnt.until - this.#clock();
    // More than a window is left only if the clock was put back: no payer is declined for longer than a window.
    return left > 0 && left <= WINDOW_MS ? burnt.gas : 0n;
  }
}
