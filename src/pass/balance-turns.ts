import type { PassId } from '../domain/pass.ts';

/**
 * Most acts on one balance that a process has running in the store. They wait for each other at the balance's row: more
 * of them would only take connections of the store from other calls.
 */
const AT_ONCE = 4;

interface Line {
  running: number;
  readonly waiting: (() => void)[];
}

/** Queues acts on one balance. Acts on different balances do not wait for each other. */
export class BalanceTurns {
  readonly #lines = new Map<PassId, Line>();

  /** Runs an act in its turn. */
  async run<T>(id: PassId, act: () => Promise<T>): Promise<T> {
    const line = this.#lineOf(id);
    if (line.running >= AT_ONCE) await new Promise<void>((resolve) => line.waiting.push(resolve));
    else line.running += 1;
    try {
      return await act();
    } finally {
      const next = line.waiting.shift();
      // The turn is passed on directly, so that no newcomer gets in between.
      if (next !== undefined) next();
      else {
        line.running -= 1;
        if (line.running === 0) this.#lines.delete(id);
      }
    }
  }

  #lineOf(id: PassId): Line {
    let line = this.#lines.get(id);
    if (line === undefined) {
      line = { running: 0, waiting: [] };
      this.#lines.set(id, line);
    }
    return line;
  }
}
