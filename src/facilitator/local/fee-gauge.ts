import { GatewayError } from '../../domain/gateway-error.ts';
import type { SettlerFunds } from '../../domain/settler-funds.ts';
import type { Address } from '../../evm/address.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import { SETTLEMENT_GAS } from '../transfer-method/transfer.ts';

/** How long a reading of the chain's fees is used, in milliseconds: about a block. */
const FRESH_MS = 2_000;

/** What the buyer's client is told to wait, in seconds. */
const RETRY_AFTER_SECONDS = 10;

/** What a transaction offers to pay, in wei per gas. */
export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  /** What the chain asks for now, base fee and tip: an offer of less waits. */
  readonly gasPrice: bigint;
}

interface Reading {
  readonly fees: Fees | undefined;
  /** Base fee and tip, in wei per gas. */
  readonly gasPrice: bigint;
  readonly coins: bigint;
  readonly takenAt: number;
}

/**
 * Knows what a settlement costs now and whether the settling account can pay for it.
 *
 * Above the configured cap, and with an empty account, it throws `facilitator_overloaded` (503): nothing was sent, the
 * buyer's authorization stays valid, and asking for a new one (402) would not help. `verify` asks it too, so that no
 * upstream works for a payment that cannot be settled.
 */
export class FeeGauge {
  readonly #node: ChainNode;
  readonly #account: Address;
  readonly #cap: bigint;
  readonly #clock: () => number;
  #reading: Promise<Reading> | undefined;

  /** @param cap highest `maxFeePerGas`, in wei */
  constructor(node: ChainNode, account: Address, cap: bigint, clock: () => number) {
    this.#node = node;
    this.#account = account;
    this.#cap = cap;
    this.#clock = clock;
  }

  /** Fees to offer now for a transaction that may use `gas`. */
  async fees(gas: bigint): Promise<Fees> {
    const { fees, coins } = await this.#read();
    if (fees === undefined) throw overloaded('Gas costs more than the configured limit right now.');
    if (coins < gas * fees.maxFeePerGas) throw emptyAccount();
    return fees;
  }

  /** What the account holds and what a settlement costs, above the cap too. */
  async funds(): Promise<SettlerFunds> {
    const reading = await this.#read();
    const { coins, gasPrice } = reading;
    return { coins, gasPrice, gasPriceLimit: this.#cap, settlements: settlementsLeft(reading) };
  }

  /** Forgets the reading, after the node contradicted it. */
  forget(): void {
    this.#reading = undefined;
  }

  async #read(): Promise<Reading> {
    const reading = await this.#reading;
    if (reading !== undefined && Math.abs(this.#clock() - reading.takenAt) < FRESH_MS) return reading;
    return await this.#renew();
  }

  /** Many callers find the reading expired at once; the first one's request serves them all. */
  #renewal: Promise<Reading> | undefined;
  async #renew(): Promise<Reading> {
    this.#renewal ??= this.#take().finally(() => {
      this.#renewal = undefined;
    });
    const renewal = this.#renewal;
    const reading = await renewal;
    this.#reading = renewal;
    return reading;
  }

  async #take(): Promise<Reading> {
    const takenAt = this.#clock();
    const [{ baseFee, gasPrice }, coins] = await Promise.all([this.#node.feeState(), this.#node.coins(this.#account)]);
    const asked = gasPrice > baseFee ? gasPrice : baseFee;
    return { fees: feesFor(baseFee, asked, this.#cap), gasPrice: asked, coins, takenAt };
  }
}

/** A fault for a settling account without gas money. The text names no account: it may reach buyers. */
export function emptyAccount(): GatewayError {
  return overloaded('The settling account cannot pay for gas.');
}

/** A fault for a settlement that cannot be sent now, though nothing is wrong with the payment. */
export function overloaded(detail: string): GatewayError {
  return new GatewayError('facilitator_overloaded', { detail, retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/**
 * How many settlements `coins` pay for: 0 from the moment that {@link FeeGauge.fees} refuses for want of them. Each is
 * taken to use all of its gas, at the price that the chain asks for now.
 */
function settlementsLeft({ coins, gasPrice, fees }: Reading): bigint {
  const offered = SETTLEMENT_GAS * (fees?.maxFeePerGas ?? gasPrice);
  if (coins < offered) return 0n;
  // A chain without a price for gas is a development chain: any number is right.
  const each = SETTLEMENT_GAS * (gasPrice === 0n ? 1n : gasPrice);
  return (coins - offered) / each + 1n;
}

/**
 * Twice the base fee leaves room for six full blocks in a row: a transaction that gets stuck would block all that
 * follow. `undefined` when not even the base fee fits under the cap.
 */
function feesFor(baseFee: bigint, gasPrice: bigint, cap: bigint): Fees | undefined {
  if (baseFee > cap) return undefined;
  const tip = gasPrice - baseFee;
  const wanted = 2n * baseFee + tip;
  const maxFeePerGas = wanted > cap ? cap : wanted;
  return { maxFeePerGas, maxPriorityFeePerGas: tip > maxFeePerGas ? maxFeePerGas : tip, gasPrice };
}
