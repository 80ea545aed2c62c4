import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);

/** A row of a markdown table, by the names in the table's head. */
export type TableRow = Readonly<Record<string, string>>;

/** Reads a file of the repository as text; `path` from its root. */
export function readRepositoryFile(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

/** The absolute path of something in the repository; `path` from its root. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/** The TypeScript sources below a folder of the repository, as paths from its root, in a fixed order. */
export function sourcesBelow(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(fileURLToPath(ROOT).length))
    .sort();
}

/** The text of every source below a folder, in one. */
export function sourceTextBelow(folder: string): string {
  return sourcesBelow(folder).map(readRepositoryFile).join('\n');
}

/** Every table of a page whose head begins with these columns, rows in their order; at least one has to be there. */
export function rowsOf(page: string, ...columns: readonly string[]): TableRow[] {
  const lines = readRepositoryFile(page).split('\n');
  const rows: TableRow[] = [];
  lines.forEach((line, index) => {
    const head = cellsOf(line);
    if (!/^\|[-|: ]+\|$/.test(lines[index + 1] ?? '') || columns.some((column, at) => head[at] !== column)) return;
    for (const row of lines.slice(index + 2)) {
      if (!row.startsWith('|')) break;
      const cells = cellsOf(row);
      if (cells.length !== head.length) throw new Error(`${page}: a row of ${cells.length} cells: ${row}`);
      rows.push(Object.fromEntries(head.map((name, at) => [name, cells[at] ?? ''])));
    }
  });
  if (rows.length === 0) throw new Error(`${page} has no table ${columns.join(' | ')}`);
  return rows;
}

/** One column of a table, without backticks. */
export function columnOf(rows: readonly TableRow[], column: string): string[] {
  return rows.map((row) => (row[column] ?? '').replaceAll('`', ''));
}

/** What stands in backticks in a cell. */
export function namesIn(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function cellsOf(line: string): string[] {
  if (!line.startsWith('|')) return [];
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
