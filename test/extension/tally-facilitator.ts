import type { Amount } from '../../src/domain/amount.ts';
import { parseNetwork } from '../../src/domain/network.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import type { Facilitator, Journal, OpenSettlement, Verification } from '../../src/facilitator/facilitator.ts';

const NETWORK = parseNetwork('eip155:84532');

/** A made-up facilitator that can move less than was signed for, and writes down what it moved. */
export class TallyFacilitator implements Facilitator {
  name = 'tally';
  /** What it lists beside its triple. */
  extensions: readonly string[] = [];
  /** What was moved, by payer. */
  readonly moved: Amount[] = [];
  readonly #listeners: (() => void)[] = [];

  /** As the configuration calls it. */
  named(name: string): this {
    this.name = name;
    return this;
  }

  async supported() {
    if (NETWORK === undefined) throw new Error('base-sepolia is not a network');
    return [{ x402Version: 2, scheme: 'exact', network: NETWORK, extensions: this.extensions } as const];
  }

  async verify({ authorization: { payer } }: Payment): Promise<Verification> {
    return { kind: 'valid', payer };
  }

  async settle(payment: Payment, amount: Amount, journal: Journal): Promise<SettlementOutcome> {
    const transaction = `0x${String(this.moved.length + 1).padStart(64, '0')}`;
    await journal({ transaction, data: '' });
    this.moved.push(amount);
    for (const listener of this.#listeners.splice(0)) listener();
    return { kind: 'settled', settlement: { transaction, payer: payment.authorization.payer, amount } };
  }

  async resolve({ known }: OpenSettlement): Promise<SettlementOutcome> {
    return known === undefined ? { kind: 'failed', reason: 'never asked for' } : { kind: 'settled', settlement: known };
  }

  /** Resolves with what was moved once that is so many settlements. */
  async afterSettlements(count: number): Promise<readonly Amount[]> {
    while (this.moved.length < count) await new Promise<void>((resolve) => this.#listeners.push(resolve));
    return this.moved;
  }

  async close() {}
}
