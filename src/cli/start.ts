import { openLog } from '../observe/log.ts';
import { startGateway } from '../server/gateway.ts';
import { type Cli, example } from './cli.ts';
import type { ExitCode } from './exit.ts';
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
  const watch = watchForStop(terminal);
  try {
    const { plan, schemes } = await readPlan(config, terminal);
    if (plan.store.kind === 'memory') {
      notice(
        terminal,
        'warning: store: memory forgets at exit which payments were used; they are refused only on chain',
      );
    }
    const gateway = await startGateway(plan, { schemes, log: openLog(terminal.stdout) });
    if (!watch.signal.aborted) {
      const admin = gateway.adminUrl === undefined ? '' : ` (admin ${gateway.adminUrl})`;
      print(terminal, `turnpike listening on ${gateway.url}${admin}`);
    }
    await watch.stopped();
    await gateway.close();
    return 0;
  } finally {
    watch.end();
  }
}
