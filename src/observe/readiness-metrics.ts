import { Gauge, type Registry } from 'prom-client';

/** The result of one readiness check. */
export interface ReadinessReading {
  readonly name: string;
  readonly ready: boolean;
}

/** The results of the readiness checks. */
export interface ReadinessMetrics {
  /** Sets the source of the checks, which is read at each scrape. Without a source nothing is shown. */
  readReadiness(read: () => readonly ReadinessReading[]): void;
}

/**
 * The checks of the readiness page as a gauge, so that a failed check raises an alert even if the gateway stays in
 * service.
 */
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
