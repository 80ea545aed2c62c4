import type { DestinationStream } from 'pino';

/** Most characters that wait for a reader. */
export const MOST_WAITING_CHARS = 1_048_576;

/** The output of the lines; Node's streams report how much of it waits. */
export type LineOutput = NodeJS.WritableStream & { readonly writableLength?: number };

/** Makes the line that says how many lines are missing in its place. */
export type GapLine = (dropped: number) => string;

/**
 * Log lines on their way to a stream whose reader may stall.
 *
 * The lines of one turn of the event loop are handed on in one write: under load most of the cost of a line is its
 * system call. A line waits only for the requests that end in the same turn.
 *
 * Once the stream holds more than it may, lines are dropped and counted: an unread log takes bounded memory and fails
 * no request. When the stream has written all that it held, one line says how many lines are missing there.
 */
export class LineQueue implements DestinationStream {
  readonly #out: LineOutput;
  readonly #gapLine: GapLine;
  #lines = '';
  /** How many are in `#lines`. */
  #count = 0;
  #isStalled = false;
  #gap = 0;
  #dropped = 0;

  constructor(out: LineOutput, gapLine: GapLine) {
    this.#out = out;
    this.#gapLine = gapLine;
    out.on('drain', () => this.#flowAgain());
  }

  /** Lines dropped since the start, and those that could not be written, as on a full disk. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#isStalled || this.#waiting + line.length > MOST_WAITING_CHARS) {
      this.#drop();
      return;
    }
    if (this.#lines === '') setImmediate(() => this.#flush());
    this.#lines += line;
    this.#count += 1;
  }

  get #waiting(): number {
    return (this.#out.writableLength ?? 0) + this.#lines.length;
  }

  #drop(): void {
    this.#isStalled = true;
    this.#gap += 1;
    this.#dropped += 1;
  }

  #flush(): void {
    const together = this.#lines;
    const count = this.#count;
    this.#lines = '';
    this.#count = 0;
    const lostIf = (fault?: Error | null): void => {
      if (fault) this.#dropped += count;
    };
    // A stream that took everything at once emits no `drain`.
    if (this.#out.write(together, lostIf)) this.#flowAgain();
  }

  #flowAgain(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    const gap = this.#gap;
    this.#gap = 0;
    this.write(this.#gapLine(gap));
  }
}
