import process from 'node:process';

/** What is done when this process ends, however it does; with one listener, of which Node wants few. */
const ends = new Set<() => void>();
let listens = false;

/** Has `end` done when this process ends before the returned function was called. It cannot wait for anything. */
export function atExit(end: () => void): () => void {
  if (!listens) process.once('exit', endAll);
  listens = true;
  ends.add(end);
  return () => void ends.delete(end);
}

function endAll(): void {
  for (const end of ends) end();
}
