import type { BookFilter, BookTotal } from '../store/books.ts';
import { DAY_MS, dayOf, dayText } from '../store/totals.ts';

/** Most days that are looked back. */
export const MOST_DAYS = 366;
/** Age at which the totals of a past day are read again after a look, in milliseconds: they hardly change. */
const KEEP_MS = 60_000;

/** What was read of a day. */
interface KeptDay<Line> {
  /** Unix milliseconds. */
  readonly at: number;
  readonly lines: Promise<readonly Line[]>;
}

/** Adds the books up. */
export type Summarize<Line> = (filter: BookFilter) => Promise<readonly Line[]>;

/**
 * Totals of the books by day. Today and yesterday are read at each look, because their payments may still be settling.
 * Earlier days are kept: only the first look waits for them. After a look, totals older than a minute are read again in
 * the background, one day at a time: no other view waits longer than one day takes.
 */
export class DailyTotals<Line extends BookTotal> {
  readonly #summarize: Summarize<Line>;
  readonly #clock: () => number;
  readonly #kept = new Map<number, KeptDay<Line>>();
  #renewing: Promise<void> | undefined;

  /** @param clock Unix milliseconds */
  constructor(summarize: Summarize<Line>, clock: () => number) {
    this.#summarize = summarize;
    this.#clock = clock;
  }

  /** The lines of the last `days` UTC days, today included, oldest first. */
  async of(days: number): Promise<readonly Line[]> {
    const today = dayOf(this.#clock());
    const first = today - days + 1;
    const recent = Math.max(first, today - 1);
    this.#readMissing(first, recent);
    const past = daysBetween(first, recent).map((day) => this.#kept.get(day)?.lines ?? []);
    const lines = await Promise.all([...past, this.#summarize({ since: recent * DAY_MS })]);
    void this.renew(days);
    return lines.flat();
  }

  /** Reads the missing and old totals of the last `days` days, one day after the other. Never rejects. */
  renew(days: number): Promise<void> {
    this.#renewing ??= this.#renew(days).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(days: number): Promise<void> {
    const today = dayOf(this.#clock());
    for (const day of this.#kept.keys()) if (day <= today - MOST_DAYS || day >= today - 1) this.#kept.delete(day);
    // The latest first: they are looked at most.
    for (const day of daysBetween(today - days + 1, today - 1).reverse()) {
      const kept = this.#kept.get(day);
      if (kept !== undefined && this.#clock() - kept.at < KEEP_MS) continue;
      try {
        const at = this.#clock();
        const lines = await this.#summarize({ since: day * DAY_MS, until: (day + 1) * DAY_MS });
        this.#kept.set(day, { at, lines: Promise.resolve(lines) });
      } catch {
        // The next look tries again, and fails if it needs a day that cannot be read.
        return;
      }
    }
  }

  /** Reads all days that are not kept in one call; concurrent looks wait for the same call. */
  #readMissing(first: number, before: number): void {
    const missing = daysBetween(first, before).filter((day) => !this.#kept.has(day));
    const [oldest] = missing;
    const latest = missing.at(-1);
    if (oldest === undefined || latest === undefined) return;
    const read = this.#summarize({ since: oldest * DAY_MS, until: (latest + 1) * DAY_MS });
    const byDay = read.then((lines) => Map.groupBy(lines, ({ day }) => day));
    const at = this.#clock();
    for (const day of missing) {
      const kept = { at, lines: byDay.then((groups) => groups.get(dayText(day)) ?? []) };
      this.#kept.set(day, kept);
      // A failed read is not kept.
      kept.lines.catch(() => this.#kept.get(day) === kept && this.#kept.delete(day));
    }
  }
}

function daysBetween(first: number, before: number): number[] {
  return Array.from({ length: Math.max(0, before - first) }, (_, index) => first + index);
}
