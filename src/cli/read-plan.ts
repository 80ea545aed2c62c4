import type { BooksPlan } from '../config/compile.ts';
import { type LoadedConfig, loadBooks, loadConfig } from '../config/load.ts';
import { type Problem, renderProblem } from '../config/problem.ts';
import { whyUnreadable } from '../config/unreadable.ts';
import type { Plan } from '../domain/plan.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { CliWorld } from './cli.ts';
import { UsageError } from './exit.ts';
import { lookAtFile, readTextFile, readTextOrPipe } from './read-file.ts';

/** The default configuration file of commands. */
export const DEFAULT_FILE = 'gateway.yaml';

/** A sound configuration, and the schemes that it was checked with. */
export interface ReadPlan {
  readonly plan: Plan;
  readonly schemes: readonly Scheme[];
}

/** Options of every command that reads the configuration. */
export interface ConfigOptions {
  readonly config: string;
}

/** Reads and checks a configuration file, and returns what came of it. */
export async function readConfig(
  file: string,
  { terminal, registry }: CliWorld,
): Promise<LoadedConfig & { schemes: readonly Scheme[] }> {
  const schemes = await registry.loadSchemes();
  return { ...loadConfig({ file, env: terminal.env, readFile: readerOf(file), schemes, registry }), schemes };
}

/**
 * Reads the plan for a command that needs one. The warnings of `check` and `start` are not shown.
 *
 * @throws UsageError with every problem of the file, one per line
 */
export async function readPlan(file: string, world: CliWorld): Promise<ReadPlan> {
  requireFile(file);
  const loaded = await readConfig(file, world);
  return { plan: soundPlan(loaded), schemes: loaded.schemes };
}

/**
 * Reads the part of a configuration file that reading its ledger needs.
 *
 * @throws UsageError when that part is not sound
 */
export async function readBooks(file: string, { terminal, registry }: CliWorld): Promise<BooksPlan> {
  requireFile(file);
  const loaded = loadBooks({
    file,
    env: terminal.env,
    readFile: readerOf(file),
    schemes: await registry.loadSchemes(),
    registry,
  });
  if (loaded.ok) return loaded;
  throw configurationProblems(loaded.problems);
}

/**
 * The plan of a configuration that was read.
 *
 * @throws UsageError with every problem of the file, one per line
 */
export function soundPlan(loaded: LoadedConfig): Plan {
  if (!loaded.ok) throw configurationProblems(loaded.problems);
  return loaded.plan;
}

function configurationProblems(problems: readonly Problem[]): UsageError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new UsageError([`${count} in the configuration`, ...problems.map(renderProblem)].join('\n'));
}

/**
 * Requires that a configuration file can be read.
 *
 * @param look how it is looked at; default: without reading it, as a pipe gives its text once
 * @throws UsageError when there is no such file, or it may not be read
 */
export function requireFile(file: string, look: (path: string) => unknown = lookAtFile): void {
  try {
    look(file);
  } catch (fault) {
    throw new UsageError(`cannot read the configuration ${file}: ${whyUnreadable(fault)}; name it with -c FILE`);
  }
}

/** Reads the configuration, which may be a pipe, and the files that it names, which may not. */
function readerOf(config: string): (path: string) => string {
  return (path) => (path === config ? readTextOrPipe(path) : readTextFile(path));
}
