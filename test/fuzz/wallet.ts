import { privateKeyToAccount } from 'viem/accounts';
import type { Random } from '../crash/random.ts';
import { encodePayment, handSigned, type PaymentParts, type Requirement } from '../support/payment-header.ts';

/** A signed payment and its use. Each has an account of its own, so that the payer identifies it. */
export interface SignedPayment {
  readonly payer: string;
  readonly parts: PaymentParts;
  readonly header: string;
  /** Calls of the API that were made with it. */
  calls: number;
  settled: number;
  /** Whether some request that carried it did not wait for its answer: then it may be asked for again. */
  impatient: boolean;
  /** Whether it was used where the answer is sent before the settlement. */
  onCredit: boolean;
}

/** Every payment of a run. */
export class Wallet {
  readonly #byPayer = new Map<string, SignedPayment>();
  readonly #random: Random;
  readonly #requirement: Requirement;

  constructor(random: Random, requirement: Requirement) {
    this.#random = random;
    this.#requirement = requirement;
  }

  get size(): number {
    return this.#byPayer.size;
  }

  /** Signs a payment with a new account. */
  async sign(): Promise<SignedPayment> {
    const key = this.#random.hex(32);
    const nonce = this.#random.hex(32);
    const parts = await handSigned(key, this.#requirement, { authorization: { nonce } });
    const payer = privateKeyToAccount(key).address.toLowerCase();
    const payment = {
      payer,
      parts,
      header: encodePayment(parts),
      calls: 0,
      settled: 0,
      impatient: false,
      onCredit: false,
    };
    this.#byPayer.set(payer, payment);
    return payment;
  }

  of(payer: string): SignedPayment | undefined {
    return this.#byPayer.get(payer.toLowerCase());
  }
}
