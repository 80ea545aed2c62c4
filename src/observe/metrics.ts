import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import { createAnswerMetrics } from './answer-metrics.ts';
import { type AssetMetrics, createAssetMetrics } from './asset-metrics.ts';
import { createCatalogueMetrics } from './catalogue-metrics.ts';
import { type ConfigMetrics, createConfigMetrics } from './config-metrics.ts';
import { createFacilitatorMetrics } from './facilitator-metrics.ts';
import { createLogMetrics, type LogMetrics } from './log-metrics.ts';
import { createMeteringMetrics } from './metering-metrics.ts';
import type { Observer } from './observer.ts';
import { createPassMetrics } from './pass-metrics.ts';
import { createPaymentMetrics, type OfferForSale, type OpenSettlements } from './payment-metrics.ts';
import { createReadinessMetrics, type ReadinessMetrics } from './readiness-metrics.ts';
import { createRequestMetrics } from './request-metrics.ts';
import { SeriesHistogram } from './series-histogram.ts';
import { createSettlerMetrics, type SettlerMetrics } from './settler-metrics.ts';
import { createShadowMetrics } from './shadow-metrics.ts';
import { createWebhookMetrics, type WebhookMetrics } from './webhook-metrics.ts';

/** Metrics in Prometheus' form. Label values come from the configuration and from closed lists, never from a request. */
export interface Metrics extends Observer, WebhookMetrics, ReadinessMetrics, LogMetrics, AssetMetrics, SettlerMetrics {
  readonly config: ConfigMetrics;
  /** Says where to read, at each scrape, how many connections clients hold to the public listener. */
  readConnections(open: () => number): void;
  /** Says how many settlements are open at `now` (Unix milliseconds); `undefined` where the ledger cannot be read. */
  setOpenSettlements(open: readonly OpenSettlements[] | undefined, now: number): void;
  /** Begins the series of what is for sale with 0; again after a change of the configuration. */
  noteForSale(offers: Iterable<OfferForSale>): void;
  /** The text exposition of everything, with its content type. */
  render(): Promise<Exposition>;
  /** The current values, in a form that can be copied to another process. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** Metrics as Prometheus reads them. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The values of one process's metrics. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** Adds up the metrics of several processes, and writes them as those of one process. */
export async function renderTogether(snapshots: readonly MetricsSnapshot[]): Promise<Exposition> {
  const registry = AggregatorRegistry.aggregate([...snapshots]);
  return { contentType: registry.contentType, body: await registry.metrics() };
}

/** Adds up the metrics of several processes. */
export async function addUpSnapshots(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  return await AggregatorRegistry.aggregate([...snapshots]).getMetricsAsJSON();
}

/**
 * The sums of the counters and histograms of processes that have ended. Without them a total would fall, and Prometheus
 * takes a fall for a counter that started again at 0.
 */
export async function sumOfEnded(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  const lasting = snapshots.map((snapshot) => snapshot.filter(({ type }) => LASTING.has(type)));
  return await AggregatorRegistry.aggregate(lasting).getMetricsAsJSON();
}

/** Prometheus types that only grow. */
const LASTING: ReadonlySet<unknown> = new Set(['counter', 'histogram']);

/**
 * Gauges of the client library that are named like counters, to which Prometheus' own `promtool` objects. Their values
 * are those of `nodejs_active_resources`, `_handles` and `_requests` added up.
 */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/** Makes a registry of its own: several gateways in one process do not share counters. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const requests = createRequestMetrics(registry);
  const shadow = createShadowMetrics(registry);
  const payments = createPaymentMetrics(registry);
  const catalogues = createCatalogueMetrics(registry);
  const facilitators = createFacilitatorMetrics(registry);
  return {
    config: createConfigMetrics(registry),
    ...requests,
    ...payments,
    ...facilitators,
    requestFinished(summary) {
      requests.requestFinished(summary);
      shadow.requestFinished(summary);
      catalogues.requestFinished(summary);
    },
    ...createPassMetrics(registry),
    ...createAnswerMetrics(registry),
    ...createMeteringMetrics(registry),
    ...createWebhookMetrics(registry),
    ...createReadinessMetrics(registry),
    ...createLogMetrics(registry),
    ...createAssetMetrics(registry),
    ...createSettlerMetrics(registry),
    async render() {
      return { contentType: registry.contentType, body: await textOf(registry) };
    },
    snapshot: () => registry.getMetricsAsJSON(),
  };
}

/** What `registry.metrics()` writes. */
async function textOf(registry: Registry): Promise<string> {
  const parts: string[] = [];
  for (const { name } of registry.getMetricsAsArray()) {
    const metric: unknown = registry.getSingleMetric(name);
    parts.push(metric instanceof SeriesHistogram ? await metric.text() : await registry.getSingleMetricAsString(name));
  }
  return `${parts.join('\n\n')}\n`;
}
