import type { Command } from 'commander';
import type { Registry } from '../registry.ts';
import type { ExitCode } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** The surroundings of a command. */
export interface CliWorld {
  readonly terminal: Terminal;
  /** The registry of gateways. */
  readonly registry: Registry;
}

/** What a command is added to. */
export interface Cli extends CliWorld {
  readonly program: Command;
  /** Notes how the command ended. */
  finish(code: ExitCode): void;
}

/** The example at the end of a command's `--help`. */
export function example(...lines: readonly string[]): string {
  return ['', lines.length === 1 ? 'Example:' : 'Examples:', ...lines.map((line) => `  $ ${line}`)].join('\n');
}

/** Collects an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
