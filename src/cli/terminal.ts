import { printable } from '../domain/printable.ts';

export { printable };

/** Where a command writes to. `isTTY` says that a person is looking. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Signals that ask a process to end. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Signals that tell other servers to open their log files anew. */
export type LogSignal = 'SIGUSR1' | 'SIGUSR2';

/**
 * The part of `process` that commands use. It comes in as an argument, so that a test can run a command inside its own
 * process and look at what it wrote.
 */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Results, and nothing else. */
  readonly stdout: Output;
  /** Everything else: notices, questions, errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: StopSignal | LogSignal | 'SIGHUP', listener: () => void): unknown;
  off(signal: StopSignal | LogSignal | 'SIGHUP', listener: () => void): unknown;
  /** 1 in a container whose first process this is. */
  readonly pid?: number;
  /** Ends the process at once. */
  exit?(code: number): unknown;
}

/** Writes one result, with its line end. */
export function print(terminal: Terminal, text = ''): void {
  terminal.stdout.write(`${text}\n`);
}

/** Writes one line for the person at the terminal, out of the way of results. */
export function notice(terminal: Terminal, text: string): void {
  terminal.stderr.write(`${text}\n`);
}

/** Writes a value as indented JSON. */
export function printJson(terminal: Terminal, value: unknown): void {
  print(terminal, JSON.stringify(value, null, 2));
}
