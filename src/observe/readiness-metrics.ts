import { Gauge, type Registry } from 'prom-client';

/** One thing that has to work. */
export interface ReadinessReading {
  readonly name: string;
  readonly ready: boolean;
}

/** What works, point by point. */
export interface ReadinessMetrics {
  /** Says where to read, at each scrape, what works. Nothing is shown before. */
  readReadiness(read: () => readonly ReadinessReading[]): void;
}

/** The checks of the readiness page as a gauge, so that what does not take the gateway out of service raises an alert. */
export function createReadinessMetrics(registry: Registry): ReadinessMetrics {
  let read: () => readonly ReadinessReading[] = () => [];
  new Gauge({
    name: 'turnpike_ready',
    help: 'Whether each check of the readiness page is good (1) or not (0); of several processes, whether it is in all.',
    labelNames: ['check'],
    aggregator: 'min',
    registers: [registry],
    collect() {
      // A new plan may have other facilitators and upstreams.
      this.reset();
      for (const { name, ready } of read()) this.set({ check: name }, ready ? 1 : 0);
    },
  });
  return {
    readReadiness(from) {
      read = from;
    },
  };
}
