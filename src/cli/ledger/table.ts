import { printable } from '../terminal.ts';

/**
 * A table that is written page by page. A column is as wide as its widest cell so far: it may grow from page to page, and
 * never shrinks.
 */
export class Table {
  readonly #heads: readonly string[];
  readonly #widths: number[];
  #begun = false;

  constructor(heads: readonly string[]) {
    this.#heads = heads;
    this.#widths = heads.map((head) => head.length);
  }

  /** The lines of the next rows, after the head the first time. Cells are made safe to show. */
  rows(rows: readonly (readonly string[])[]): readonly string[] {
    const shown = rows.map((row) => row.map((cell) => (cell === '' ? '-' : printable(cell))));
    for (const row of shown) {
      for (const [column, cell] of row.entries()) {
        this.#widths[column] = Math.max(this.#widths[column] ?? 0, cell.length);
      }
    }
    const lines = (this.#begun ? shown : [this.#heads, ...shown]).map((row) => this.#line(row));
    this.#begun = true;
    return lines;
  }

  #line(row: readonly string[]): string {
    return row
      .map((cell, column) => cell.padEnd(this.#widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  }
}
