import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Route } from '../domain/route.ts';
import type { Observer, RequestSummary } from './observer.ts';
import { SECONDS } from './seconds.ts';

/** Label of requests that no route matches. */
const UNMATCHED = 'unmatched';

/** The series of one route, found once: a label set is hashed anew on every look. */
interface RouteSeries {
  readonly route: string;
  readonly duration: Histogram.Internal<'route'>;
  readonly overhead: Histogram.Internal<'route'>;
  readonly upstream: Histogram.Internal<'route'>;
  /** By outcome and code: a few dozen at most, of closed lists. */
  readonly ends: Map<string, Counter.Internal>;
}

/** What requests come to. */
export interface RequestMetrics extends Pick<Observer, 'requestFinished'> {
  /** Says where to read, at each scrape, how many connections are open. */
  readConnections(open: () => number): void;
}

/** Requests and their time, by route. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'turnpike_requests_total',
    help: 'Requests by route, by how they ended and by public error code.',
    labelNames: ['route', 'outcome', 'code'],
    registers,
  });
  const perRoute = (name: string, help: string): Histogram<'route'> =>
    new Histogram({ name, help, labelNames: ['route'], buckets: SECONDS, registers });
  const duration = perRoute(
    'turnpike_request_duration_seconds',
    'Time from the request head to the end of the answer.',
  );
  const overhead = perRoute(
    'turnpike_gateway_overhead_seconds',
    'Time until the head of the answer, without the wait for the head of the upstream response.',
  );
  const upstream = perRoute('turnpike_upstream_duration_seconds', 'Time waited for the head of the upstream response.');
  let connectionsOpen = (): number => 0;
  new Gauge({
    name: 'turnpike_connections_open',
    help: 'Connections of clients to the public listener.',
    registers,
    collect() {
      this.set(connectionsOpen());
    },
  });
  // Routes go with their plan, and their series with them: what counts stays in the registry, under the route's name.
  const series = new WeakMap<Route, RouteSeries>();
  const seriesOf = (name: string): RouteSeries => ({
    route: name,
    duration: duration.labels(name),
    overhead: overhead.labels(name),
    upstream: upstream.labels(name),
    ends: new Map(),
  });
  const unmatched = seriesOf(UNMATCHED);
  const find = (route: Route | undefined): RouteSeries => {
    if (route === undefined) return unmatched;
    let found = series.get(route);
    if (found === undefined) {
      found = seriesOf(route.name);
      series.set(route, found);
    }
    return found;
  };
  return {
    readConnections(open) {
      connectionsOpen = open;
    },
    requestFinished({ route, outcome, code: given, durationMs, upstreamMs, headMs }: RequestSummary) {
      const code = given ?? 'none';
      const of = find(route);
      const end = `${outcome} ${code}`;
      let counter = of.ends.get(end);
      if (counter === undefined) {
        counter = requests.labels(of.route, outcome, code);
        of.ends.set(end, counter);
      }
      counter.inc();
      of.duration.observe(durationMs / 1000);
      if (upstreamMs !== undefined) of.upstream.observe(upstreamMs / 1000);
      if (headMs !== undefined) of.overhead.observe(Math.max(0, headMs - (upstreamMs ?? 0)) / 1000);
    },
  };
}
