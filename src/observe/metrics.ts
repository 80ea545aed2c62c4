import { AggregatorRegistry, Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { Observer, RequestSummary } from './observer.ts';

/** Buckets in seconds: from a local 402 to a settlement on a slow chain. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics in Prometheus' form. Label values come from the configuration and from closed lists, never from a request. */
export interface Metrics extends Observer {
  /** The text exposition of everything, with its content type. */
  render(): Promise<Exposition>;
  /** The values of this moment, fit to be copied to another process. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** Metrics as Prometheus reads them. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The values of one process's metrics. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** Adds up the metrics of several processes, and writes them as if they were one's. */
export async function renderTogether(snapshots: readonly MetricsSnapshot[]): Promise<Exposition> {
  const registry = AggregatorRegistry.aggregate([...snapshots]);
  return { contentType: registry.contentType, body: await registry.metrics() };
}

/**
 * What stays true of processes that have ended: sums of their counters and histograms. Left out of a total they would
 * make it fall, which reads as if everything had been counted again since.
 */
export async function sumOfEnded(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  const lasting = snapshots.map((snapshot) => snapshot.filter(({ type }) => LASTING.has(type)));
  return await AggregatorRegistry.aggregate(lasting).getMetricsAsJSON();
}

/** Prometheus types that only grow. */
const LASTING: ReadonlySet<unknown> = new Set(['counter', 'histogram']);

/** Makes a registry of its own: several gateways in one process do not share counters. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'turnpike_requests_total',
    help: 'Requests by route, by how they ended and by public error code.',
    labelNames: ['route', 'outcome', 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 'turnpike_request_duration_seconds',
    help: 'Time from the request head to the end of the answer.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  const upstream = new Histogram({
    name: 'turnpike_upstream_duration_seconds',
    help: 'Time waited for the head of the upstream response.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  return {
    requestFinished(summary: RequestSummary) {
      const route = summary.route?.name ?? 'unmatched';
      requests.inc({ route, outcome: summary.outcome, code: summary.code ?? 'none' });
      duration.observe({ route }, summary.durationMs / 1000);
      if (summary.upstreamMs !== undefined) upstream.observe({ route }, summary.upstreamMs / 1000);
    },
    async render() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
    snapshot: () => registry.getMetricsAsJSON(),
  };
}
