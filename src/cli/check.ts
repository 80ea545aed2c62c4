import { renderProblem } from '../config/problem.ts';
import { type Cli, example } from './cli.ts';
import type { ExitCode } from './exit.ts';
import { type ConfigOptions, DEFAULT_FILE, readConfig } from './read-plan.ts';
import { notice, print, printJson, type Terminal } from './terminal.ts';

interface CheckOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** Adds `turnpike check`. */
export function addCheck({ program, terminal, finish }: Cli): void {
  program
    .command('check')
    .description('validate a configuration file without starting: all its problems at once')
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .option('--json', 'write {ok, problems, warnings} as JSON')
    .addHelpText('after', example('turnpike check -c gateway.yaml', 'turnpike check --json | jq .problems'))
    .action(async (options: CheckOptions) => finish(await check(options, terminal)));
}

/** The problems are what was asked for, so that they go to stdout; the summary of them is for people. */
async function check({ config, json }: CheckOptions, terminal: Terminal): Promise<ExitCode> {
  const loaded = await readConfig(config, terminal);
  const problems = loaded.ok ? [] : loaded.problems;
  const warnings = loaded.ok ? loaded.warnings : [];
  if (json === true) {
    printJson(terminal, { ok: loaded.ok, problems, warnings });
    return loaded.ok ? 0 : 2;
  }
  for (const problem of problems) print(terminal, renderProblem(problem));
  for (const warning of warnings) notice(terminal, `warning: ${renderProblem(warning)}`);
  if (!loaded.ok) {
    notice(terminal, `${config}: ${count(problems.length, 'problem')}; the gateway would not start`);
    return 2;
  }
  const { routes } = loaded.plan;
  const priced = routes.filter((route) => route.price.kind === 'priced').length;
  print(terminal, `${config}: fine, ${count(routes.length, 'route')}, ${priced} priced`);
  return 0;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
