import { Counter, Gauge, type Registry } from 'prom-client';

/** The result of a reload of the configuration. */
export type ReloadOutcome = 'applied' | 'unchanged' | 'refused';

/** Takes note of the configuration as it is read. Never throws, never waits. */
export interface ConfigMetrics {
  /** A reload ended. */
  reloaded(outcome: ReloadOutcome): void;
  /** The configuration on disk is the one in force since then. @param at Unix milliseconds */
  inForceSince(at: number): void;
}

/** Adds the metrics of reloads to a registry. */
export function createConfigMetrics(registry: Registry): ConfigMetrics {
  const registers = [registry];
  const reloads = new Counter({
    name: 'turnpike_config_reloads_total',
    help: 'Times that the configuration was read again, by what came of it: applied, unchanged or refused.',
    labelNames: ['outcome'],
    registers,
  });
  // Every series exists from the start: a rate needs a zero to rise from.
  for (const outcome of ['applied', 'unchanged', 'refused'] as const) reloads.inc({ outcome }, 0);
  const since = new Gauge({
    name: 'turnpike_config_last_success_timestamp_seconds',
    help: 'When the configuration was last read and found good, in Unix seconds.',
    // Only one of several processes reads the configuration.
    aggregator: 'max',
    registers,
  });
  return {
    reloaded: (outcome) => reloads.inc({ outcome }),
    inForceSince: (at) => since.set(at / 1000),
  };
}
