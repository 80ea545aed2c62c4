import { printable } from '../terminal.ts';

/** The default width of a terminal. */
const LINE_CHARACTERS = 80;
/** Least width of a column that is cut; where the cut does not help, the column is shown in full. */
const LEAST_CHARACTERS = 3;
const GAP = '  ';

/**
 * A table that is written page by page. A column is as wide as its widest cell so far: it may grow from page to page, and
 * never shrinks. Where a line would be longer than a terminal, one column gives way.
 */
export class Table {
  readonly #heads: readonly string[];
  readonly #widths: number[];
  readonly #elastic: number;
  #begun = false;

  /** @param elastic the column that is cut to keep a line within 80 characters */
  constructor(heads: readonly string[], elastic: string) {
    this.#heads = heads;
    this.#elastic = heads.indexOf(elastic);
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
    const room = this.#room();
    return row
      .map((cell, column) => {
        const shown = column === this.#elastic ? cut(cell, room) : cell;
        return shown.padEnd(column === this.#elastic ? room : (this.#widths[column] ?? 0));
      })
      .join(GAP)
      .trimEnd();
  }

  /** How wide the elastic column may be. */
  #room(): number {
    const own = this.#widths[this.#elastic] ?? 0;
    const whole = this.#widths.reduce((sum, width) => sum + width, GAP.length * (this.#widths.length - 1));
    const room = own - Math.max(0, whole - LINE_CHARACTERS);
    return room < LEAST_CHARACTERS ? own : room;
  }
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}

/** An account or a hash for a table: its beginning and its end. */
export function shortened(text: string): string {
  return text.length <= 13 ? text : `${text.slice(0, 6)}…${text.slice(-4)}`;
}

/** A moment for a table: minutes of UTC. */
export function minuteOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
