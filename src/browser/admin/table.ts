import { type Child, h } from './dom.ts';

/** The text of an empty cell. A narrow screen leaves such a cell out. */
export const NONE = '–';

/** A column: its title, its cells, and whether they are figures. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Child;
  readonly figure?: true;
}

/** Makes a table. On a narrow screen each row is a list of titles and values. */
export function table<Row>(
  label: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  none: string,
): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'none' }, none);
  const head = h(
    'tr',
    { role: 'row' },
    ...columns.map(({ title, figure }) => {
      return h('th', { role: 'columnheader', scope: 'col', class: figure && 'figure' }, title);
    }),
  );
  const body = rows.map((row) =>
    h(
      'tr',
      { role: 'row' },
      ...columns.map(({ title, cell, figure }) => {
        const child = cell(row);
        const none = child === NONE ? '' : undefined;
        const named = { role: 'cell', 'data-title': title, 'data-none': none, class: figure && 'figure' };
        return h('td', named, h('span', {}, child));
      }),
    ),
  );
  return h(
    'table',
    { role: 'table', 'aria-label': label },
    h('thead', { role: 'rowgroup' }, head),
    h('tbody', { role: 'rowgroup' }, ...body),
  );
}

/** A list of names and values. */
export function facts(pairs: readonly (readonly [string, Child])[]): HTMLElement {
  const list = h('dl', { class: 'facts' });
  for (const [name, value] of pairs) {
    if (value !== undefined && value !== '') list.append(h('dt', {}, name), h('dd', {}, value));
  }
  return list;
}

/** A part of a view, with a heading. */
export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return h('section', { class: 'card' }, h('h2', {}, title), ...children);
}
