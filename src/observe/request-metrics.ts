import { Gauge, type Registry } from 'prom-client';
import type { Observer, RequestSummary } from './observer.ts';
import { SECONDS } from './seconds.ts';
import { SeriesCounter, type Tally } from './series-counter.ts';
import { type Durations, SeriesHistogram } from './series-histogram.ts';

/** Label of requests that no route matches. */
const UNMATCHED = 'unmatched';

/** The series of one route, found once. */
interface RouteSeries {
  readonly duration: Durations;
  readonly overhead: Durations;
  readonly upstream: Durations;
  /** By outcome, then by code: a few dozen at most, of closed lists. */
  readonly ends: Map<string, Map<string, Tally>>;
}

/** Results of requests, and open connections. */
export interface RequestMetrics extends Pick<Observer, 'requestFinished'> {
  /** Says where to read, at each scrape, how many connections are open. */
  readConnections(open: () => number): void;
}

/** Requests and their time, by route. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const registers = [registry];
  const ended = new SeriesCounter(registry, {
    name: 'turnpike_requests_total',
    help: 'Requests by route, by how they ended and by public error code.',
    labelNames: ['route', 'outcome', 'code'],
  });
  const addEnd = ({ ends }: RouteSeries, route: string, outcome: string, code: string): Tally => {
    const tally = ended.of({ route, outcome, code });
    const byCode = ends.get(outcome) ?? new Map<string, Tally>();
    ends.set(outcome, byCode.set(code, tally));
    return tally;
  };
  const perRoute = (name: string, help: string) =>
    new SeriesHistogram(registry, { name, help, labelNames: ['route'], bounds: SECONDS });
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
  // Series belong to the route's name: they stay when a new plan replaces the old one.
  const series = new Map<string, RouteSeries>();
  const find = (route: string): RouteSeries => {
    let found = series.get(route);
    if (found === undefined) {
      found = {
        duration: duration.of({ route }),
        overhead: overhead.of({ route }),
        upstream: upstream.of({ route }),
        ends: new Map(),
      };
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
      const name = route?.name ?? UNMATCHED;
      const of = find(name);
      const end = of.ends.get(outcome)?.get(code) ?? addEnd(of, name, outcome, code);
      end.add(1);
      of.duration.observe(durationMs);
      if (upstreamMs !== undefined) of.upstream.observe(upstreamMs);
      if (headMs !== undefined) of.overhead.observe(Math.max(0, headMs - (upstreamMs ?? 0)));
    },
  };
}
