import type { Quote } from '../quotes.ts';

/** Quotes in this process's memory; the ledger makes each call one atomic act. */
export class MemoryQuotes {
  /** By route and offer. */
  readonly #quotes = new Map<string, Quote>();

  remember(quotes: readonly Omit<Quote, 'seenAt'>[], now: number): void {
    for (const { route, offer } of quotes) {
      const id = JSON.stringify([route, offer]);
      const seenAt = Math.max(now, this.#quotes.get(id)?.seenAt ?? now);
      this.#quotes.set(id, { route, offer, seenAt });
    }
  }

  /** The quotes that were in force since then; deletes older ones. */
  recall(since: number): readonly Quote[] {
    for (const [id, { seenAt }] of this.#quotes) if (seenAt < since) this.#quotes.delete(id);
    return [...this.#quotes.values()];
  }
}
