import { createInterface } from 'node:readline';
import type { Terminal } from '../terminal.ts';

/** Asks a yes-or-no question on stderr; anything but a yes, and the end of the input, is a no. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  terminal.stderr.write(`${question} [y/N] `);
  // No line editing, because it would keep Ctrl-C from the process.
  const lines = createInterface({ input: terminal.stdin, terminal: false });
  try {
    for await (const line of lines) return /^y(?:es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
