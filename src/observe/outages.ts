import { serverName } from '../domain/upstream.ts';
import { describeCause } from './cause.ts';
import type { Observer } from './observer.ts';

/** A service that requests need and that can be unavailable. */
export interface Needed {
  readonly kind: 'store' | 'facilitator' | 'upstream' | 'webhook';
  /** Which one: a name of the configuration or an origin, without secrets. */
  readonly name: string;
}

/** The log for outages. */
interface OutageLog {
  warn(facts: object, message: string): void;
  info(facts: object, message: string): void;
}

/** Least time between two lines about one outage, and between two outages of one thing, in milliseconds. */
const LINE_MS = 60_000;

interface Outage {
  readonly since: number;
  /** Time of the last line. If an outage soon follows another one, this is first the time of the other one's line. */
  toldAt: number;
  isTold: boolean;
  failures: number;
}

/**
 * Logs outages: a line when an outage begins, one a minute while it lasts, and one when it is over. Otherwise every
 * request during an outage would log the same line.
 */
export class Outages {
  readonly #log: OutageLog;
  readonly #clock: () => number;
  readonly #open = new Map<string, Outage>();
  /** Time of the last line about a service that is back. */
  readonly #told = new Map<string, number>();

  constructor(log: OutageLog, clock: () => number) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Something failed to answer. */
  failed({ kind, name }: Needed, cause: unknown): void {
    const id = `${kind} ${name}`;
    const now = this.#clock();
    const known = this.#open.get(id);
    const lastLine = known?.toldAt ?? this.#told.get(id) ?? Number.NEGATIVE_INFINITY;
    const outage = known ?? { since: now, toldAt: lastLine, isTold: false, failures: 0 };
    outage.failures += 1;
    this.#open.set(id, outage);
    if (now - lastLine < LINE_MS) return;
    const facts = { [kind]: name, cause: typeof cause === 'string' ? cause : describeCause(cause) };
    if (outage.isTold) {
      const { failures } = outage;
      this.#log.warn({ ...facts, failures, lastsMs: now - outage.since }, 'outage goes on');
    } else {
      this.#log.warn(facts, 'outage begins');
    }
    outage.toldAt = now;
    outage.isTold = true;
  }

  /** Something answered. */
  worked({ kind, name }: Needed): void {
    // Every request calls this: it does no work while there is no outage.
    if (this.#open.size === 0) return;
    const id = `${kind} ${name}`;
    const outage = this.#open.get(id);
    if (outage === undefined) return;
    this.#open.delete(id);
    if (!outage.isTold) return;
    const now = this.#clock();
    this.#told.set(id, outage.toldAt);
    this.#log.info({ [kind]: name, failures: outage.failures, lastedMs: now - outage.since }, 'outage is over');
  }
}

/** The store, of which there is one. */
export const STORE: Needed = { kind: 'store', name: 'ledger' };

/** Outcomes of calls that mean that the facilitator is unavailable, rather than that it refuses a payment. */
const AWAY: ReadonlySet<string> = new Set(['facilitator_unreachable', 'facilitator_timeout']);

/** Outcomes of requests that were written into the ledger. */
const WRITTEN: ReadonlySet<string> = new Set(['paid', 'redelivered']);

/** Detects outages of stores, facilitators and upstreams by the results of requests. */
export function watchOutages(outages: Outages): Pick<Observer, 'requestFinished' | 'facilitatorCalled'> {
  return {
    requestFinished({ code, cause, outcome, route, upstreamMs }) {
      if (code === 'store_unavailable') outages.failed(STORE, cause);
      else if (WRITTEN.has(outcome)) outages.worked(STORE);
      if (route === undefined) return;
      const [server] = route.upstream.servers;
      const upstream = { kind: 'upstream', name: server === undefined ? route.name : serverName(server) } as const;
      if (code === 'upstream_unreachable') outages.failed(upstream, cause);
      else if (upstreamMs !== undefined) outages.worked(upstream);
    },
    facilitatorCalled({ facilitator, outcome }) {
      const needed = { kind: 'facilitator', name: facilitator } as const;
      if (AWAY.has(outcome)) outages.failed(needed, outcome);
      else outages.worked(needed);
    },
  };
}
