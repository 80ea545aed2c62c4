/** How often a process records that it lives, in milliseconds. */
const BEAT_MS = 1000;
/** Failed heartbeats in a row after which the ledger counts as unavailable. One failure is tolerated. */
const AWAY_BEATS = 2;
/** How long a heartbeat may take, in milliseconds. */
const LATE_MS = 5000;

/** The parts of a heartbeat. */
export interface HeartbeatDeps {
  /** Writes one heartbeat of this process, with its time in Unix milliseconds. */
  readonly beat: (at: number) => Promise<void>;
  /** A heartbeat could not be written. Must not throw. */
  readonly trouble: (fault: unknown) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** The heartbeats of a process in the ledger. Without them other processes take over what it holds. */
export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  /** Unix milliseconds of the heartbeat under way. */
  #beatFrom = 0;
  #missed = 0;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** Whether the ledger accepts the heartbeats, one every second. */
  get isHeard(): boolean {
    const isUnderWay = this.#underWay !== undefined;
    if (isUnderWay && this.#deps.clock() - this.#beatFrom > LATE_MS) return false;
    return this.#missed - (isUnderWay ? 1 : 0) < AWAY_BEATS;
  }

  start(): void {
    this.#timer = setInterval(() => void this.beat(), BEAT_MS);
    this.#timer.unref();
  }

  /**
   * Writes a heartbeat, one at a time, however slow the ledger is. Never throws.
   *
   * @returns whether it was written
   */
  async beat(): Promise<boolean> {
    this.#underWay ??= this.#write().finally(() => {
      this.#underWay = undefined;
    });
    await this.#underWay;
    return this.#missed === 0;
  }

  /** Ends after the heartbeat under way: a heartbeat after the process has retired would mark it alive again. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#underWay;
  }

  async #write(): Promise<void> {
    const { beat, trouble, clock } = this.#deps;
    this.#beatFrom = clock();
    this.#missed += 1;
    try {
      await beat(this.#beatFrom);
      this.#missed = 0;
    } catch (fault) {
      trouble(fault);
    }
  }
}
