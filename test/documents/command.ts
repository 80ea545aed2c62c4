import { PassThrough } from 'node:stream';
import { run } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of `turnpike` in this process, without a person and without an environment. */
export async function turnpike(argv: readonly string[]): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const terminal: Terminal = {
    stdin: Object.assign(stdin, { isTTY: false }),
    stdout,
    stderr,
    env: { TURNPIKE_PUBLIC_NODES: 'off' },
    on: () => {},
    off: () => {},
  };
  const code = await run(argv, terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}
