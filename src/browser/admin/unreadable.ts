import { h } from './dom.ts';
import { type Column, table } from './table.ts';

/** A row of the ledger that is damaged; `unreadable` is the column. */
interface DamagedRow {
  readonly unreadable: string;
}

/** The rows of a list that cannot be read, with where each is damaged; nothing where there are none. */
export function unreadableTable<Row extends DamagedRow>(
  [one, many]: readonly [one: string, many: string],
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): readonly HTMLElement[] {
  if (rows.length === 0) return [];
  const count = rows.length === 1 ? `1 ${one}` : `${rows.length} ${many}`;
  const title = `${many.charAt(0).toUpperCase()}${many.slice(1)} that cannot be read`;
  const damaged: Column<Row> = { title: 'Damaged column', cell: ({ unreadable }) => unreadable };
  return [
    h('p', { class: 'note bad' }, `${count} of the ledger cannot be read: it is damaged there.`),
    table(title, [...columns, damaged], rows, ''),
  ];
}
