import { CommandFailure } from '../exit.ts';
import { printable } from '../terminal.ts';

/** A row that cannot be read. */
interface DamagedEntry {
  readonly key: string;
  readonly column: string;
}

/** Most rows that are named. */
const MOST_NAMED = 5;

/**
 * Payments, or passes, that a command could not read. It continues with the others, and reports these at its end: an
 * incomplete report must not look like a complete one.
 */
export class Unreadable {
  readonly #named: DamagedEntry[] = [];
  readonly #one: string;
  readonly #many: string;
  #count = 0;

  /** @param one what it is, in the singular */
  constructor(one = 'payment', many = 'payments') {
    this.#one = one;
    this.#many = many;
  }

  /** Notes those of a page. */
  add(rows: readonly DamagedEntry[]): void {
    this.#count += rows.length;
    this.#named.push(...rows.slice(0, MOST_NAMED - this.#named.length));
  }

  /**
   * Ends a report that has none of them in it.
   *
   * @throws CommandFailure when there were some
   */
  failIfAny(): void {
    if (this.#count > 0) throw new CommandFailure(`${this.#said()}; they are left out of this\n${this.#lines()}`);
  }

  /** What is to be said of them; `undefined` when there were none. */
  get notice(): string | undefined {
    return this.#count === 0 ? undefined : `${this.#said()}\n${this.#lines()}`;
  }

  #said(): string {
    return `${this.#count} ${this.#count === 1 ? this.#one : this.#many} cannot be read`;
  }

  #lines(): string {
    const lines = this.#named.map(({ key, column }) => `  ${printable(key)}: its ${column} is damaged`);
    return [...lines, ...(this.#count > this.#named.length ? ['  and more'] : [])].join('\n');
  }
}
