import { text } from './row.ts';
import type { SqlValue } from './sql-engine.ts';

/** The `WHERE` of a report, put together with the values of its placeholders. */
export class Conditions {
  readonly values: SqlValue[] = [];
  readonly #conditions: string[] = [];

  /** All prices of a route have its name before the `#` of their id. */
  addRoute(route: string): void {
    const front = `${route}#`;
    const own = `SUBSTR(route, 1, ${[...front].length}) = ${this.place(text(front))}`;
    this.add(`(route = ${this.place(text(route))} OR ${own})`);
  }

  addPayer(payer: string): void {
    this.add(`LOWER(payer) = ${this.place(text(payer.toLowerCase()))}`);
  }

  /** Adds a value and gives the placeholder that stands for it. */
  place(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  add(condition: string): void {
    this.#conditions.push(condition);
  }

  get where(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}
