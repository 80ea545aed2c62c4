import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { readAssetTable } from '../config/asset-table.ts';
import { describeProxies } from '../config/compile-proxies.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { renderFolded, renderProblem } from '../config/problem.ts';
import { describePublicNodes } from '../config/public-nodes.ts';
import { describeShadowed } from '../config/shadowed-routes.ts';
import type { Plan } from '../domain/plan.ts';
import { releaseMemory } from '../engine/engine.ts';
import { type Logger, openLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { loadTokenReader, openStore, type Registry } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import { describeConnectionBound } from '../server/descriptor-room.ts';
import type { Gateway } from '../server/gateway.ts';
import { type ConfigReading, type FileContents, readConfiguration, readKept } from '../server/reload/config-reading.ts';
import { type Reloadable, Reloader } from '../server/reload/reloader.ts';
import { TokenCheck } from '../server/token-check.ts';
import { forkWorker, openPrimaryLine, type PrimaryLine } from '../server/workers/processes.ts';
import { type Cli, type CliWorld, example } from './cli.ts';
import { type ExitCode, UsageError } from './exit.ts';
import { takeLogSignals } from './log-signals.ts';
import { readTextFile } from './read-file.ts';
import { type ConfigOptions, DEFAULT_FILE, requireFile, soundPlan } from './read-plan.ts';
import { type StopWatch, watchForStop } from './stop.ts';
import { notice, type Terminal } from './terminal.ts';

/** Adds `turnpike start`. */
export function addStart({ program, finish, ...world }: Cli): void {
  program
    .command('start')
    .description('run the gateway')
    .option('-c, --config <file>', 'configuration file; followed while it runs', DEFAULT_FILE)
    .addHelpText('after', example('turnpike start -c gateway.yaml'))
    .action(async (options: ConfigOptions) => finish(await start(options, world)));
}

/** How long a process that has stopped may take to end on its own, in milliseconds. */
const LINGER_MS = 500;

/**
 * Characters of a configuration from which on memory is released after reading it, which took forty bytes a character
 * or more.
 */
const LARGE_CHARS = 200_000;

/** A gateway that runs, of one process or several. */
type RunningGateway = Gateway & Reloadable & { readonly metrics: Metrics; readonly lost?: Promise<Error> };

/**
 * Runs the gateway until a signal. The line that says it is ready and the log go to stdout, where containers look for
 * them; notices go to stderr.
 */
async function start({ config }: ConfigOptions, world: CliWorld): Promise<ExitCode> {
  const { terminal } = world;
  const primary = openPrimaryLine(terminal.env);
  if (primary !== undefined) return await startWorker(config, world, primary);
  const watch = watchForStop(terminal);
  const leaveLogSignals = takeLogSignals(terminal);
  const unclosed: Unclosed = { reloader: undefined };
  const reload = (): void => void unclosed.reloader?.reload();
  // From the start: without a listener SIGHUP would end the process.
  terminal.on('SIGHUP', reload);
  try {
    const log = await openLog(terminal.stdout);
    const { gateway, reloader } = await openGateway(config, world, { log, unclosed });
    return await run(gateway, reloader, { watch, log, terminal });
  } finally {
    await unclosed.reloader?.close();
    terminal.off('SIGHUP', reload);
    leaveLogSignals();
    watch.end();
  }
}

/** What is closed when the command ends, also where the gateway did not start. */
interface Unclosed {
  reloader: Reloader | undefined;
}

/**
 * Reads the configuration and opens the gateway on it. A function of its own, so that nothing that was read stays in
 * memory while the gateway runs, and the first plan not longer than it is in force.
 */
async function openGateway(
  config: string,
  world: CliWorld,
  { log, unclosed }: { readonly log: Logger; readonly unclosed: Unclosed },
): Promise<{ readonly gateway: RunningGateway; readonly reloader: Reloader }> {
  const { terminal, registry } = world;
  const schemes = await registry.loadSchemes();
  const read = readerOf(config, world, schemes);
  requireFile(config, readTextFile);
  const reading = read();
  const plan = soundPlan(reading.loaded);
  log.level = plan.log.level;
  if (reading.loaded.ok) {
    for (const warning of renderFolded(reading.loaded.warnings)) notice(terminal, `warning: ${warning}`);
  }
  warnOf(plan, terminal);
  const tokens = new TokenCheck({ load: loadTokenReader, log });
  await checkTokens(tokens, reading.loaded, terminal);
  const readAgain = (): ConfigReading => {
    const again = read();
    giveBackWhatReadingTook(again.contents);
    return again;
  };
  const reloader = new Reloader(
    { plan, contents: reading.contents },
    { read: readAgain, readFile: readTextFile, file: config, log, tokens },
  );
  unclosed.reloader = reloader;
  const gateway = await startProcesses(plan, reading, { schemes, registry, log, reloader });
  reloader.begin(gateway, gateway.metrics.config);
  return { gateway, reloader };
}

/** @throws UsageError with every statement of the file that a contract contradicts */
async function checkTokens(tokens: TokenCheck, loaded: LoadedConfig, terminal: Terminal): Promise<void> {
  if (!loaded.ok) return;
  const { problems, unasked, silent } = await tokens.ask(loaded.claims);
  if (problems.length > 0)
    throw new UsageError(['the configuration is not what the chain says', ...problems.map(renderProblem)].join('\n'));
  for (const warning of unasked) notice(terminal, `warning: ${renderProblem(warning)}`);
  tokens.follow(silent);
}

/** What a running gateway is watched with. */
interface Watchers {
  readonly watch: StopWatch;
  readonly log: Logger;
  readonly terminal: Terminal;
}

async function run(gateway: RunningGateway, reloader: Reloader, { watch, log, terminal }: Watchers): Promise<ExitCode> {
  if (!watch.signal.aborted) {
    const { url, adminUrl } = gateway;
    const admin = adminUrl === undefined ? 'no admin listener' : `admin ${adminUrl}`;
    // Programs that start it wait for this line, whatever the log's level.
    const said = log.child({}, { level: 'info' });
    said.info({ url, adminUrl }, `turnpike listening on ${url} (${admin})`);
  }
  const { lost } = gateway;
  const why = await (lost === undefined ? watch.stopped() : Promise.race([watch.stopped(), lost]));
  const { drainDelayMs, drainTimeoutMs } = reloader.plan;
  if (why instanceof Error) {
    log.error({ why: why.message }, 'stopping');
    await gateway.close(drainTimeoutMs);
    throw why;
  }
  log.info({ why, drainDelayMs, drainTimeoutMs }, 'stopping');
  await reloader.close();
  gateway.leave();
  await wait(drainDelayMs);
  await gateway.close(drainTimeoutMs - drainDelayMs);
  log.info({ why }, 'stopped');
  // A payment that was left to recovery may still wait for an answer; the process does not wait for it.
  setTimeout(() => terminal.exit?.(0), LINGER_MS).unref();
  return 0;
}

/** What the gateway's processes share. */
interface Common {
  readonly registry: Registry;
  readonly schemes: readonly Scheme[];
  readonly log: Logger;
  readonly reloader: Reloader;
}

/** One process, or several behind one address. The first of several serves nothing, and does not load the server. */
async function startProcesses(
  plan: Plan,
  { contents }: ConfigReading,
  { schemes, registry, log, reloader }: Common,
): Promise<RunningGateway> {
  const configuration = () => reloader.check();
  if (plan.workers === 1) {
    // The ledger's thread starts while this thread loads the gateway and releases memory. The gateway waits for it.
    const store = openStore(plan.store, registry);
    store.catch(() => {});
    const { startGateway } = await import('../server/gateway.ts');
    giveBackWhatReadingTook(contents);
    return await startGateway(plan, { schemes, registry, log, store, configuration, reloads: reloader });
  }
  const { startWorkers } = await import('../server/workers/primary.ts');
  giveBackWhatReadingTook(contents);
  // Workers get the contents, not the path: the file may change before a worker has to be replaced.
  return await startWorkers(plan, { log, registry, fork: forkWorker, contents, configuration, reloads: reloader });
}

/** Runs a worker process, which has the same command line and follows the primary. */
async function startWorker(config: string, { terminal, registry }: CliWorld, primary: PrimaryLine): Promise<ExitCode> {
  const { runWorker } = await import('../server/workers/worker.ts');
  const schemes = await registry.loadSchemes();
  const log = await openLog(terminal.stdout);
  const started = await runWorker(primary, {
    log,
    registry,
    load: async (contents) => {
      const loaded = loadConfig({ file: config, env: terminal.env, readFile: readKept(contents), schemes, registry });
      giveBackWhatReadingTook(contents);
      if (!loaded.ok) throw new UsageError(`the configuration ${config} is read in another way by a worker`);
      log.level = loaded.plan.log.level;
      return { plan: loaded.plan, schemes };
    },
  });
  return started ? 0 : 1;
}

/** A reader of the current configuration. `workers: auto` keeps the number of CPUs that it had at the start. */
function readerOf(
  file: string,
  { terminal: { env }, registry }: CliWorld,
  schemes: readonly Scheme[],
): () => ConfigReading {
  const cpus = availableParallelism();
  const load = (read: (path: string) => string): LoadedConfig =>
    loadConfig({ file, env, readFile: read, schemes, registry, cpus });
  return () => readConfiguration(load, readTextFile);
}

/**
 * The syntax tree of ten thousand routes and its places are larger than the plan, and no longer needed; at a start the
 * ledger has recorded their quotes, too.
 */
function giveBackWhatReadingTook(contents: FileContents): void {
  if ([...contents.values()].some((text = '') => text.length > LARGE_CHARS)) releaseMemory();
}

function warnOf(plan: Plan, terminal: Terminal): void {
  for (const line of [describeShadowed(plan), describeConnectionBound(plan)])
    if (line !== undefined) notice(terminal, `warning: ${line}`);
  for (const line of describePublicNodes(plan, readAssetTable())) notice(terminal, `note: ${line}`);
  for (const line of describeProxies(plan)) notice(terminal, `note: ${line}`);
}
