import { readAssetTable } from '../config/asset-table.ts';
import { describeProxies } from '../config/compile-proxies.ts';
import { type Change, differenceOf, fixedKeysChanged, renderChange } from '../config/difference.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Problem, renderFolded, renderProblem } from '../config/problem.ts';
import { describePublicNodes } from '../config/public-nodes.ts';
import { describeShadowed } from '../config/shadowed-routes.ts';
import { isPriced } from '../domain/route-price.ts';
import { readOperations } from '../openapi/operations.ts';
import { type Cli, type CliWorld, example } from './cli.ts';
import { type Coverage, coverageOf, isCovered } from './coverage.ts';
import { type ExitCode, UsageError } from './exit.ts';
import { readApiDocument } from './init/read-document.ts';
import { askOnline, type OnlineAnswer } from './online.ts';
import { type ConfigOptions, DEFAULT_FILE, readConfig } from './read-plan.ts';
import { notice, print, printJson, type Terminal } from './terminal.ts';

interface CheckOptions extends ConfigOptions {
  readonly json?: boolean;
  readonly diff?: readonly string[];
  readonly against?: string;
  readonly online?: boolean;
}

/** Adds `turnpike check`. */
export function addCheck(cli: Cli): void {
  const { program, finish } = cli;
  program
    .command('check')
    .description('validate a configuration file without starting: all its problems at once')
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .option('--diff <old new...>', 'validate two files, and show what the new one changes')
    .option(
      '--against <openapi>',
      'list operations of an OpenAPI document without a price, and prices without an operation',
    )
    .option(
      '--online',
      'ask every facilitator, node and upstream once, and say what each answered; ends with 1 if one fails',
    )
    .option('--json', 'write {ok, problems, warnings} as JSON; with --diff also {changes, restart}')
    .addHelpText(
      'after',
      example(
        'turnpike check -c gateway.yaml',
        'turnpike check --json | jq .problems',
        'turnpike check --diff running.yaml gateway.yaml',
        'turnpike check --against openapi.yaml',
        'turnpike check --online',
      ),
    )
    .action(async (options: CheckOptions) =>
      finish(await (options.diff === undefined ? check(options, cli) : compare(options.diff, options, cli))),
    );
}

/** The problems are the result, so they go to stdout; their summary is for people. */
async function check({ config, json, against, online }: CheckOptions, world: CliWorld): Promise<ExitCode> {
  const { terminal } = world;
  const loaded = await readConfig(config, world);
  const { problems, warnings } = findings([loaded]);
  const coverage =
    loaded.ok && against !== undefined
      ? coverageOf(loaded.plan, readOperations(await readApiDocument(against)))
      : undefined;
  const ok = loaded.ok && (coverage === undefined || isCovered(coverage));
  const answers = loaded.ok && online === true ? await askOnline(loaded.plan, world.registry) : undefined;
  const code = ok ? (answers?.some((answer) => !answer.ok) ? 1 : 0) : 2;
  if (json === true) {
    const asked = answers === undefined ? {} : { online: answers };
    printJson(terminal, { ok: code === 0, problems, warnings, ...coverage, ...asked });
    return code;
  }
  printFindings(problems, warnings, terminal);
  if (!loaded.ok) {
    notice(terminal, `${config}: ${count(problems.length, 'problem')}; the gateway would not start`);
    return 2;
  }
  const { routes } = loaded.plan;
  const priced = routes.filter(isPriced).length;
  print(terminal, `${config}: fine, ${count(routes.length, 'route')}, ${priced} priced`);
  const shadowed = describeShadowed(loaded.plan);
  if (shadowed !== undefined) notice(terminal, `note: ${shadowed}`);
  for (const line of describePublicNodes(loaded.plan, readAssetTable())) notice(terminal, `note: ${line}`);
  for (const line of describeProxies(loaded.plan)) notice(terminal, `note: ${line}`);
  if (coverage !== undefined) printCoverage(coverage, terminal);
  for (const answer of answers ?? []) printAnswer(answer, terminal);
  return code;
}

function printAnswer({ kind, name, ok, said }: OnlineAnswer, terminal: Terminal): void {
  print(terminal, `${ok ? 'ok  ' : 'FAIL'} ${kind === 'offers' ? '' : `${kind} `}${name}: ${said}`);
}

function printCoverage({ unpriced, unused }: Coverage, terminal: Terminal): void {
  for (const { operation, gets } of unpriced) {
    if (gets === 'free') notice(terminal, `note: ${operation} is free`);
    else print(terminal, `operation without a price: ${operation} (${gets})`);
  }
  for (const name of unused) print(terminal, `price without an operation: ${name}`);
}

/** What a reload from one file to the other would change, in the words of the log of a reload. */
async function compare(files: readonly string[], { json }: CheckOptions, world: CliWorld): Promise<ExitCode> {
  const { terminal } = world;
  const [oldFile, newFile, ...more] = files;
  if (oldFile === undefined || newFile === undefined || more.length > 0) {
    throw new UsageError('--diff takes two files: the old one and the new one');
  }
  const [old, next] = [await readConfig(oldFile, world), await readConfig(newFile, world)];
  const { problems, warnings } = findings([old, next]);
  const changes: readonly Change[] = old.ok && next.ok ? differenceOf(old.plan, next.plan) : [];
  const restart = old.ok && next.ok ? fixedKeysChanged(old.plan, next.plan) : [];
  const ok = old.ok && next.ok;
  if (json === true) {
    printJson(terminal, { ok, problems, warnings, changes, restart });
    return ok ? 0 : 2;
  }
  printFindings(problems, warnings, terminal);
  for (const change of changes) print(terminal, renderChange(change));
  if (ok && changes.length === 0) notice(terminal, 'nothing changes');
  for (const key of restart) notice(terminal, `restart to change ${key}: a reload with this change is refused`);
  return ok ? 0 : 2;
}

function findings(read: readonly LoadedConfig[]): {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
} {
  return {
    problems: read.flatMap((each) => (each.ok ? [] : each.problems)),
    warnings: read.flatMap((each) => (each.ok ? each.warnings : [])),
  };
}

function printFindings(problems: readonly Problem[], warnings: readonly Problem[], terminal: Terminal): void {
  for (const problem of problems) print(terminal, renderProblem(problem));
  for (const warning of renderFolded(warnings)) notice(terminal, `warning: ${warning}`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
