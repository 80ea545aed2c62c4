import { Counter, type Registry } from 'prom-client';

/** What was counted in one series. */
export interface Tally {
  add(amount: number): void;
}

/** What a {@link SeriesCounter} is made of. */
export interface CounterTerms<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
}

/**
 * A counter of prom-client that is added up at each scrape. A caller finds the series of a label set once; prom-client
 * would look it up for every count.
 */
export class SeriesCounter<L extends string> {
  readonly #labelNames: readonly L[];
  readonly #series = new Map<string, Uncounted<L>>();

  constructor(registry: Registry, { name, help, labelNames }: CounterTerms<L>) {
    this.#labelNames = labelNames;
    const series = this.#series;
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        for (const each of series.values()) this.inc(each.labels, each.take());
      },
    });
  }

  /** The tally of a label set; the same one for the same labels. */
  of(labels: Readonly<Record<L, string>>): Tally {
    const key = JSON.stringify(this.#labelNames.map((label) => labels[label]));
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new Uncounted(labels);
      this.#series.set(key, series);
    }
    return series;
  }
}

class Uncounted<L extends string> implements Tally {
  readonly labels: Readonly<Record<L, string>>;
  #amount = 0;

  constructor(labels: Readonly<Record<L, string>>) {
    this.labels = labels;
  }

  add(amount: number): void {
    this.#amount += amount;
  }

  /** The amount added since the last call. */
  take(): number {
    const amount = this.#amount;
    this.#amount = 0;
    return amount;
  }
}
