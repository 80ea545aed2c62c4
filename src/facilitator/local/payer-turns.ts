import type { Address } from '../../evm/address.ts';

/** Runs the settlements of one payer one after another: each is simulated when the one before has ended. */
export class PayerTurns {
  /** By payer: resolves when its last settlement is over. */
  readonly #turns = new Map<Address, Promise<void>>();

  /** Runs a settlement after those of this payer that came before it, whatever became of them. */
  async take<T>(payer: Address, settle: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(payer);
    const turn = (before ?? Promise.resolve()).then(settle);
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(payer, over);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(payer) === over) this.#turns.delete(payer);
    }
  }
}
