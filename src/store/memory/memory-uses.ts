import type { OpenCalls } from '../open-calls.ts';
import type { Uses, UsesTaken, UseWindow } from '../uses.ts';

/** The use of a window so far. */
interface Used {
  readonly endsAt: number;
  readonly count: number;
}

/** Uses in this process's memory. No method waits, so that each call is one atomic act. */
export class MemoryUses implements Uses {
  readonly #used = new Map<string, Used>();
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(calls: OpenCalls) {
    this.#calls = calls;
  }

  takeUses(window: UseWindow, most: number, want: number): Promise<UsesTaken> {
    return this.#calls.run(async () => {
      const before = this.#used.get(keyOf(window))?.count ?? 0;
      const granted = Math.max(0, Math.min(want, most - before));
      const count = before + granted;
      this.#used.set(keyOf(window), { endsAt: window.endsAt, count });
      return { granted, left: Math.max(0, most - count) };
    });
  }

  returnUse(window: UseWindow): Promise<void> {
    return this.#calls.run(async () => {
      const used = this.#used.get(keyOf(window));
      if (used !== undefined && used.count > 0) this.#used.set(keyOf(window), { ...used, count: used.count - 1 });
    });
  }

  pruneUses(before: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      const old = [...this.#used].filter(([, { endsAt }]) => endsAt < before).slice(0, limit);
      for (const [key] of old) this.#used.delete(key);
      return old.length;
    });
  }
}

function keyOf({ id, startsAt }: UseWindow): string {
  return `${startsAt} ${id}`;
}
