import { readFileSync } from 'node:fs';
import { loadConfig } from '../config/load.ts';
import type { Plan } from '../domain/plan.ts';
import { openLog } from '../observe/log.ts';
import { loadSchemes } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import { type Gateway, startGateway } from '../server/gateway.ts';
import { readRecorded, recordFiles } from '../server/workers/config-files.ts';
import { startWorkers } from '../server/workers/primary.ts';
import { forkWorker, openPrimaryLine, type PrimaryLine } from '../server/workers/processes.ts';
import { runWorker } from '../server/workers/worker.ts';
import { type Cli, example } from './cli.ts';
import { type ExitCode, UsageError } from './exit.ts';
import { type ConfigOptions, DEFAULT_FILE, readPlan } from './read-plan.ts';
import { watchForStop } from './stop.ts';
import { notice, print, type Terminal } from './terminal.ts';

/** Adds `turnpike start`. */
export function addStart({ program, terminal, finish }: Cli): void {
  program
    .command('start')
    .description('run the gateway')
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .addHelpText('after', example('turnpike start -c gateway.yaml'))
    .action(async (options: ConfigOptions) => finish(await start(options, terminal)));
}

/**
 * Runs the gateway until a signal. The line that says it is ready and the log go to stdout, where containers look for
 * them; notices go to stderr.
 */
async function start({ config }: ConfigOptions, terminal: Terminal): Promise<ExitCode> {
  const primary = openPrimaryLine(terminal.env);
  if (primary !== undefined) return await startWorker(config, terminal, primary);
  const watch = watchForStop(terminal);
  try {
    const { plan, schemes } = await readPlan(config, terminal);
    if (plan.store.kind === 'memory') {
      notice(
        terminal,
        'warning: store: memory forgets at exit which payments were used; they are refused only on chain',
      );
    }
    const gateway = await startProcesses(config, terminal, { plan, schemes });
    if (!watch.signal.aborted) {
      const admin = gateway.adminUrl === undefined ? '' : ` (admin ${gateway.adminUrl})`;
      print(terminal, `turnpike listening on ${gateway.url}${admin}`);
    }
    const lost = await (gateway.lost === undefined ? watch.stopped() : Promise.race([watch.stopped(), gateway.lost]));
    await gateway.close();
    if (lost !== undefined) throw lost;
    return 0;
  } finally {
    watch.end();
  }
}

/** What a gateway runs on. */
interface Loaded {
  readonly plan: Plan;
  readonly schemes: readonly Scheme[];
}

/** One process, or several behind one address. */
async function startProcesses(
  config: string,
  terminal: Terminal,
  { plan, schemes }: Loaded,
): Promise<Gateway & { readonly lost?: Promise<Error> }> {
  const log = openLog(terminal.stdout);
  if (plan.workers === 1) return await startGateway(plan, { schemes, log });
  // Workers get what was read, not the path: the file may change before one of them has to be replaced.
  const { files, readFile } = recordFiles((path) => readFileSync(path, 'utf8'));
  const loaded = load(config, terminal, schemes, readFile);
  return await startWorkers(loaded.plan, { log, fork: forkWorker, files });
}

/** What a worker process does with the same command line: what the primary tells it. */
async function startWorker(config: string, terminal: Terminal, primary: PrimaryLine): Promise<ExitCode> {
  const started = await runWorker(primary, {
    log: openLog(terminal.stdout),
    load: async (files) => load(config, terminal, await loadSchemes(), readRecorded(files)),
  });
  return started ? 0 : 1;
}

function load(file: string, { env }: Terminal, schemes: readonly Scheme[], readFile: (path: string) => string): Loaded {
  const loaded = loadConfig({ file, env, readFile, schemes });
  if (!loaded.ok) throw new UsageError(`the configuration ${file} changed while it was read`);
  return { plan: loaded.plan, schemes };
}
