import { Counter, type Registry } from 'prom-client';

/** Metrics of the log itself. */
export interface LogMetrics {
  /** Says where to read, at each scrape, how many log lines have been dropped so far. */
  readDroppedLines(dropped: () => number): void;
}

/** Counts dropped log lines. */
export function createLogMetrics(registry: Registry): LogMetrics {
  let read = (): number => 0;
  let counted = 0;
  new Counter({
    name: 'turnpike_log_lines_dropped_total',
    help: 'Log lines that nothing read in time, or that could not be written.',
    registers: [registry],
    collect() {
      const dropped = read();
      this.inc(dropped - counted);
      counted = dropped;
    },
  });
  return {
    readDroppedLines(dropped) {
      read = dropped;
    },
  };
}
