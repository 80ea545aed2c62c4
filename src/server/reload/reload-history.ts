/** What came of looking into the configuration file once. */
export interface ReloadEvent {
  /** Unix milliseconds. */
  readonly at: number;
  readonly outcome: 'started' | 'applied' | 'unchanged' | 'refused';
  /** What another configuration changed, one a line. */
  readonly changes: readonly string[];
  /** Why it was refused, or what the check warns of. */
  readonly notes: readonly string[];
}

/** How operators follow the configuration of a running gateway. */
export interface Reloads {
  /** The latest first. */
  history(): readonly ReloadEvent[];
  /** Looks into the file now. Resolves when that is over, whatever came of it. */
  reload(): Promise<void>;
}

/** Most events that are remembered. */
const MOST_EVENTS = 50;
/** Most lines of one event. */
const MOST_LINES = 100;

/** What became of the configuration file since the start, as far as memory is to be spent on it. */
export class ReloadHistory {
  readonly #events: ReloadEvent[] = [];

  add({ at, outcome, changes, notes }: ReloadEvent): void {
    this.#events.unshift({ at, outcome, changes: changes.slice(0, MOST_LINES), notes: notes.slice(0, MOST_LINES) });
    this.#events.length = Math.min(this.#events.length, MOST_EVENTS);
  }

  /** The latest first. */
  get events(): readonly ReloadEvent[] {
    return [...this.#events];
  }
}
