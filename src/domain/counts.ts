/** The number of keys that are kept, whatever their counts are. */
const FEW_KEYS = 256;

interface Entry {
  count: number;
}

/**
 * Counts what each key holds now, such as the calls of each client.
 *
 * A key at zero stays until there are many of them. A `Map` whose key is removed and added again with every request
 * makes a new table each time. V8 links each table to the next one and keeps all of them until the next full
 * collection: on a route whose body decides the price that took a tenth of a request's time.
 */
export class Counts {
  readonly #entries = new Map<string, Entry>();
  #sweepAt = FEW_KEYS;

  /** The count of a key. */
  of(key: string): number {
    return this.#entries.get(key)?.count ?? 0;
  }

  /** Counts up, or down by a negative number; never below zero. @returns the new count */
  add(key: string, by: number): number {
    const entry = this.#entries.get(key) ?? this.#begin(key);
    entry.count = Math.max(0, entry.count + by);
    return entry.count;
  }

  /** How many keys are kept: at most 256, or twice as many as were above zero at the last sweep. */
  get kept(): number {
    return this.#entries.size;
  }

  #begin(key: string): Entry {
    if (this.#entries.size >= this.#sweepAt) this.#sweep();
    const entry = { count: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #sweep(): void {
    for (const [key, { count }] of this.#entries) if (count === 0) this.#entries.delete(key);
    this.#sweepAt = Math.max(FEW_KEYS, 2 * this.#entries.size);
  }
}
