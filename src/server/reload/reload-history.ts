/** The result of reading the configuration file once. */
export interface ReloadEvent {
  /** Unix milliseconds. */
  readonly at: number;
  readonly outcome: 'started' | 'applied' | 'unchanged' | 'refused';
  /** The changes of the new configuration, one a line. */
  readonly changes: readonly string[];
  /** Why it was refused, or the warnings of its check. */
  readonly notes: readonly string[];
}

/** The operators' view of the configuration of a running gateway. */
export interface Reloads {
  /** The latest first. */
  history(): readonly ReloadEvent[];
  /** Re-reads the file now. Resolves when done, whether it was applied or refused. */
  reload(): Promise<void>;
}

/** Most events that are remembered. */
const MOST_EVENTS = 50;
/** Most lines of one event. */
const MOST_LINES = 100;

/** The results of reading the configuration file since the start, in bounded memory. */
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
