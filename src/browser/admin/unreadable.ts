import { h } from './dom.ts';
import { type Column, table } from './table.ts';

/** A damaged row of the ledger; `unreadable` names the damaged column. */
interface DamagedRow {
  readonly unreadable: string;
}

/** A table of the damaged rows of a list, with the damaged columns; empty where there are none. */
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
