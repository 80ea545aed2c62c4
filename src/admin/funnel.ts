/** One counter of the metrics, as a snapshot has it. */
export interface CountedSeries {
  readonly name: string;
  readonly values: readonly {
    readonly value: number;
    readonly labels: Readonly<Partial<Record<string, string | number>>>;
  }[];
}

/** How far requests of priced routes got, since the processes started. */
export interface FunnelEntry {
  readonly route: string;
  /** Requests that were to be paid for, or brought a payment or a pass. */
  readonly asked: number;
  /** Answers that stated the price. */
  readonly priced: number;
  /** Payments whose money moved. */
  readonly paid: number;
  /** Paid answers that were sent. */
  readonly delivered: number;
  /** Requests that a pass was accepted for. */
  readonly passes: number;
  /** Requests let in unpaid: of known customers, of a client's free quota, and of routes that do not charge yet. */
  readonly free: number;
  /** Requests that were refused or failed, except those that only lacked a payment. */
  readonly refused: number;
}

/** Requests that have no price. */
const UNPRICED: ReadonlySet<unknown> = new Set(['free', 'preflight', 'discovery']);
/** Requests of priced routes that were let in unpaid. */
const LET_IN: ReadonlySet<unknown> = new Set(['key', 'free_quota', 'shadow']);
const DELIVERED: ReadonlySet<unknown> = new Set(['paid', 'redelivered', 'kept']);

/** Counts how far requests got, by route, the busiest first. Counters of several processes have been added up before. */
export function funnelOf(series: readonly CountedSeries[]): readonly FunnelEntry[] {
  const entries = new Map<string, { -readonly [K in keyof FunnelEntry]: FunnelEntry[K] }>();
  const entryOf = (name: unknown) => {
    const [route = ''] = String(name ?? '').split('#', 1);
    const known = entries.get(route);
    if (known !== undefined) return known;
    const entry = { route, asked: 0, priced: 0, paid: 0, delivered: 0, passes: 0, free: 0, refused: 0 };
    entries.set(route, entry);
    return entry;
  };
  for (const { labels, value } of valuesOf(series, 'turnpike_requests_total')) {
    const { route, outcome, code } = labels;
    if (UNPRICED.has(outcome) || route === 'unmatched') continue;
    const entry = entryOf(route);
    entry.asked += value;
    if (code === 'payment_required') entry.priced += value;
    else if (DELIVERED.has(outcome) && code === 'none') entry.delivered += value;
    else if (outcome === 'pass') entry.passes += value;
    else if (LET_IN.has(outcome)) entry.free += value;
    else entry.refused += value;
  }
  for (const { labels, value } of valuesOf(series, 'turnpike_payments_total')) {
    if (labels['outcome'] === 'settled') entryOf(labels['route']).paid += value;
  }
  return [...entries.values()].filter(({ asked }) => asked > 0).sort((a, b) => b.asked - a.asked);
}

/** The results of facilitator calls, since the processes started. */
export function callsOf(series: readonly CountedSeries[]) {
  return valuesOf(series, 'turnpike_facilitator_requests_total').map(({ labels, value }) => ({
    facilitator: String(labels['facilitator'] ?? ''),
    operation: String(labels['operation'] ?? ''),
    outcome: String(labels['outcome'] ?? ''),
    count: value,
  }));
}

function valuesOf(series: readonly CountedSeries[], name: string): CountedSeries['values'] {
  return series.filter((each) => each.name === name).flatMap(({ values }) => values);
}
