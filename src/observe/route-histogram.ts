import { Histogram, type Registry } from 'prom-client';

type Values = Awaited<ReturnType<Histogram<'route'>['get']>>;

/** What a histogram observed of one route. */
export interface RouteDurations {
  /** @param ms milliseconds */
  observe(ms: number): void;
}

/**
 * Durations by route. Looks and adds up like any other histogram of prom-client, but counts into arrays that each route
 * finds once: prom-client looks a label set up anew for every observation, and each request makes three.
 */
export class RouteHistogram extends Histogram<'route'> {
  readonly #bounds: readonly number[];
  readonly #routes = new Map<string, Counts>();

  /** @param bounds upper ends of the buckets, in seconds, in ascending order */
  constructor(registry: Registry, name: string, help: string, bounds: readonly number[]) {
    super({ name, help, labelNames: ['route'], buckets: [...bounds], registers: [registry] });
    this.#bounds = bounds;
  }

  /** The durations of a route; the same ones for the same name. */
  of(route: string): RouteDurations {
    let counts = this.#routes.get(route);
    if (counts === undefined) {
      counts = new Counts(this.#bounds);
      this.#routes.set(route, counts);
    }
    return counts;
  }

  override async get(): Promise<Values> {
    const { name, help, type, aggregator, collect } = this.#description();
    const values = [...this.#routes].flatMap(([route, counts]) => counts.values(name, route));
    return { name, help, type, aggregator, collect, values };
  }

  /** What prom-client's exposition asks for instead, where there is such a method. */
  async getForPromString(): Promise<Values> {
    return await this.get();
  }

  /** Members that every metric has, although the types do not say so. */
  #description(): Omit<Values, 'values'> {
    return Object.assign(Object.create(null), this);
  }
}

/** Counts of one route. */
class Counts implements RouteDurations {
  readonly #bounds: readonly number[];
  /** One for each bound and one for what is above. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(ms: number): void {
    const seconds = ms / 1000;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  /** The series of Prometheus: each bucket holds what is at most as long. */
  values(name: string, route: string): Values['values'] {
    const values: Values['values'] = [];
    let upTo = 0;
    for (const [index, count] of this.#counts.entries()) {
      upTo += count;
      const labels: Record<string, string | number> = { le: this.#bounds[index] ?? '+Inf', route };
      values.push({ labels, value: upTo, metricName: `${name}_bucket` });
    }
    values.push({ labels: { route }, value: this.#sum, metricName: `${name}_sum` });
    values.push({ labels: { route }, value: upTo, metricName: `${name}_count` });
    return values;
  }
}
